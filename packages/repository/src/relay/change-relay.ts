// From the change log to whoever wants the changes. Holds how far the sink has got; the log holds the changes. Next: the
// sink, such as the server's event bus.
//
//   starting ─place known and told→ idle ─commit │ foreign write→ delivering ─all taken→ idle
//                                                     └sink throws→ waiting (back-off) ─→ delivering        any ─stop→ stopped
//
// Other processes trim without asking: what was to come next may be gone. The sink is told so, and the relay goes on behind it.
import { type Change, type ChangeSink, DnrError, hasReached, type LogGap, type Position } from '@dnr/protocol'
import { createDeferred, type Deferred } from '@dnr/internal'
import type { ChangeLog } from '../change-log/change-log.ts'
import type { Committed } from '../change-log/commit-feed.ts'
import { createBacklog } from './backlog.ts'
import { startLogWatch } from './log-watch.ts'
import { createRetry } from './retry.ts'

/** A running relay. */
export interface ChangeRelay {
  /** Resolves when the sink has taken everything committed before the call; rejects with `closed` when the relay is stopped before. */
  flush(): Promise<void>
  /** Resolves when the sink's call in progress is over; none comes after. Stopping twice is harmless. */
  stop(): Promise<void>
}

/** Changes read from the log at a time. */
const PAGE = 500
/** Transactions handed over in one turn of the event loop. */
const PER_TURN = 100

/**
 * Hands every change committed from now on to `sink`: whole transactions, in log order, at least once. One of more than
 * `maxWholeChanges` comes in parts, between which the event loop turns: the change that ends it is its `last`.
 *
 * Commits of this process come at once; those of other processes on the same file within `relayPollMs` (100 ms by
 * default). Once a second what was delivered is compared with the head of the log, so that a notice that got lost delays
 * changes and loses none. A sink that throws or rejects gets the same call again after a growing delay; later ones wait in the
 * log, and nobody's writes wait. Sinks recognise by `position` what they have already taken.
 *
 * `sink.skipTo` hears where the relay begins, and where it goes on when another process has trimmed the log before it was
 * read here: what is in between never comes.
 *
 * @example
 * const relay = startChangeRelay(database.changeLog, { publish: (changes) => console.log(changes.length) })
 */
export function startChangeRelay(log: Pick<ChangeLog, 'source'>, sink: ChangeSink): ChangeRelay {
  const { source } = log
  const { logger, maxWholeChanges } = source.relay
  const partChanges = Math.min(PAGE, maxWholeChanges)
  const retry = createRetry(source.relay)
  const backlog = createBacklog()
  let flushes: { readonly upTo: Position; readonly done: Deferred }[] = []
  /** What the sink has had, or was told that it will not get. */
  let place: Position | null = null
  let isPlaceTold = false
  let delivering: Promise<void> | null = null
  let isBehind = false
  /** How many histories were lost before it stood at its place. */
  let losses = 0

  /** The next whole transactions after a position: from memory when nothing is missing in between, else from the log. */
  const nextAfter = async (after: Position): Promise<Committed> => {
    const fromMemory = backlog.takeAfter(after, PER_TURN)
    if (fromMemory !== null) return fromMemory
    if (!isBehind && backlog.isEmpty()) return []
    isBehind = false
    // Forgotten before the read, not after: what is committed meanwhile stays in memory.
    backlog.clear()
    const page = await retry.untilDone('read the log', () => source.transactionsAfter(after, PAGE, losses))
    if (page === null) return []
    const { transactions, floor, holds } = page.value
    if (!holds) return beginOtherHistory(after)
    isBehind = transactions.length > 0
    if (floor.offset <= after.offset) return transactions
    logger.error('Another process trimmed the log before the change relay had read it.', {
      from: after.offset,
      to: floor.offset,
      isSinkTold: sink.skipTo !== undefined,
    })
    return (await skipTo({ position: floor })) ? transactions : []
  }

  /** A backup was put back: what was delivered, or told otherwise, is not in the log any more, and its offsets will be others'. */
  const beginOtherHistory = async (lost: Position): Promise<Committed> => {
    logger.error('The change log is not the one that was read before: was a backup put back?', {
      delivered: lost.offset,
      isSinkTold: sink.skipTo !== undefined,
    })
    const begun = await retry.untilDone('begin an epoch', () => source.beginAfter(losses))
    if (begun === null) return []
    losses = begun.value.losses
    if (!(await skipTo({ position: begun.value.position, isOtherHistory: true }))) return []
    // What they wait for was lost, or has been skipped.
    for (const { done } of flushes.splice(0)) done.resolve()
    isBehind = true
    return []
  }

  /** False when stopped before the sink knew. */
  const skipTo = async (gap: LogGap): Promise<boolean> => {
    const told = await retry.untilDone('say to its sink where it goes on', () => sink.skipTo?.(gap))
    if (told === null) return false
    place = gap.position
    settleFlushes()
    return true
  }

  const begin = async (): Promise<void> => {
    const begun =
      place === null ? await retry.untilDone('read the head of the log', () => source.begin()) : null
    if (place === null && begun !== null) ({ position: place, losses } = begun.value)
    isPlaceTold = place !== null && (await skipTo({ position: place }))
  }

  const deliver = async (): Promise<void> => {
    if (!isPlaceTold) await begin()
    while (!retry.isStopped() && place !== null) {
      const transactions = await nextAfter(place)
      if (transactions.length === 0) return
      for (const transaction of transactions) {
        if (!(await hand(transaction))) return
        place = transaction.at(-1)?.position ?? place
        settleFlushes()
      }
      await turn()
    }
  }

  /** False when stopped before the sink had all of it. */
  const hand = async (transaction: readonly Change[]): Promise<boolean> => {
    const size = transaction.length > maxWholeChanges ? partChanges : transaction.length
    for (let from = 0; from < transaction.length; from += size) {
      if (from > 0) await turn()
      const part = size < transaction.length ? transaction.slice(from, from + size) : transaction
      const taken = await retry.untilDone('hand a transaction to its sink', () => sink.publish(part))
      if (taken === null) return false
    }
    return true
  }

  const run = (): void => {
    if (delivering !== null || retry.isStopped()) return
    // In a microtask, so that the writers' promises settle before their changes fan out.
    delivering = Promise.resolve()
      .then(deliver)
      .finally(() => {
        delivering = null
        settleFlushes()
        if (isBehind || !backlog.isEmpty()) run()
      })
  }

  /** Resolves when nothing is being delivered, nor anything left to be. */
  const settled = async (): Promise<void> => {
    if (delivering === null) return
    await delivering
    await settled()
  }

  const hasTaken = (upTo: Position): boolean => isPlaceTold && place !== null && hasReached(place, upTo)

  const settleFlushes = (): void => {
    const done = flushes.filter(({ upTo }) => hasTaken(upTo))
    if (done.length === 0) return
    flushes = flushes.filter((flush) => !done.includes(flush))
    for (const flush of done) flush.done.resolve()
  }

  const catchUp = (): void => {
    isBehind = true
    run()
  }

  /** Is there something in the log that nobody has told of? */
  const checkHead = async (): Promise<void> => {
    const head = await source.head()
    // Behind it in a log that is another one.
    if (place === null || place.offset === head.offset || delivering !== null) return
    logger.info('The change relay had not heard of a commit and reads the log.', {
      delivered: place.offset,
      head: head.offset,
    })
    catchUp()
  }

  const relay: ChangeRelay = {
    async flush() {
      if (retry.isStopped()) throw stoppedError()
      const upTo = await source.head()
      if (retry.isStopped()) throw stoppedError()
      if (hasTaken(upTo)) return
      const done = createDeferred()
      flushes = [...flushes, { upTo, done }]
      catchUp()
      await done.promise
    },
    async stop() {
      retry.stop()
      unfollow()
      stopWatching()
      for (const { done } of flushes) done.reject(stoppedError())
      flushes = []
      await delivering
    },
  }
  const unfollow = source.follow({
    committed(transactions) {
      const first = transactions[0]?.[0]
      // A commit before the head was read: the relay was started before it.
      if (place === null && first !== undefined) {
        place = { ...first.position, offset: first.position.offset - 1 }
        losses = source.losses
      }
      backlog.add(transactions)
      run()
    },
    doneUpTo: () => place?.offset ?? 0,
    async closing() {
      retry.finish()
      await settled()
      await relay.stop()
    },
  })
  const stopWatching = startLogWatch(source, { onWritten: catchUp, checkHead })
  run()
  return relay
}

/** Lets the event loop turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function stoppedError(): DnrError {
  return new DnrError('closed', 'The change relay is stopped.')
}
