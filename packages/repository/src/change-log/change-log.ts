// The ordered record of every committed change. Holds how it is read, followed and trimmed; writing into it happens in
// write/write-transaction.ts, inside the row's own transaction. Next: relay/.
import { type Change, type Clock, DnrError, holdsPosition, type Logger, type Position } from '@dnr/protocol'
import type { Connection } from '../database/connection.ts'
import type { Reads } from '../database/reads.ts'
import { readPragma } from '../database/open-handles.ts'
import type { AgeLimit, Old } from './age-limit.ts'
import type { CommitFeed, Committed, Follower } from './commit-feed.ts'
import { epochAt, readEpochs, readHead, readHeadPosition, trimEpochs } from './epochs.ts'
import { readEntries, toChange } from './log-entries.ts'
import { type HistoryPage, type HistoryRequest, readFloor, readHistory } from './read-history.ts'
import { type AnswerTrim, beginAnswerTrim, type Expiry, surplusAnswers, trimAnswers } from './trim-answers.ts'
import { trimBatch, type TrimOptions, type TrimResult } from './trim-log.ts'
import type { ToldHistory } from '../write/told-history.ts'
import type { WriteQueue } from '../write/write-queue.ts'

/**
 * Every committed change of one database, in commit order, over all entities.
 *
 * Offsets rise by one and are never used twice. All changes of a transaction stand together and share one commit with
 * the rows they describe.
 */
export interface ChangeLog {
  /** Where the log ends now. */
  head(): Promise<Position>
  /**
   * Changes of one entity, or of one row, after a position, in log order: whole transactions, and parts of those that are
   * longer than `maxWholeChanges`.
   *
   * A position that is not on this history is recognised (`unknown_epoch`, `ahead`), as is one that the log no longer
   * reaches back to (`trimmed`); whoever stands at the entity's last change always holds.
   */
  read(request: HistoryRequest): Promise<HistoryPage>
  /**
   * Removes old changes and old mutation answers, in batches between which other writes run. Changes that a relay of
   * this process has not delivered yet stay. Those of other processes are not waited for: a relay that finds its place
   * trimmed tells its sink of the gap.
   */
  trim(options?: TrimOptions): Promise<TrimResult>
  /** What a relay follows; for {@link startChangeRelay}. */
  readonly source: ChangeSource
}

/** What the relays of one database share. */
export interface RelaySettings {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly pollMs: number
  readonly maxWholeChanges: number
}

/** The log as a relay sees it. */
export interface ChangeSource {
  /** Where the log ends now. */
  head(): Promise<Position>
  /** The same for who begins there: it has missed nothing of the histories that are lost by now. */
  begin(): Promise<{ readonly position: Position; readonly losses: number }>
  /** How many histories are known to be lost. */
  readonly losses: number
  /**
   * Transactions after a position, in order, about `limit` changes; the last is a part of one that is longer than
   * `maxWholeChanges`, if its last change is not `last`. `floor`: what is up to it may have been trimmed.
   * `holds`: is the position on this history, and has none been lost since `losses` were? `losses`: how many
   * histories the relay knows to be lost.
   */
  transactionsAfter(
    after: Position,
    limit: number,
    losses: number,
  ): Promise<{ readonly transactions: Committed; readonly floor: Position; readonly holds: boolean }>
  /**
   * What was told does not hold any more: begins an epoch, unless that has been done since the relay knew of `losses`, so that
   * nobody takes it for true. Gives where the log goes on.
   */
  beginAfter(losses: number): Promise<{ readonly position: Position; readonly losses: number }>
  /** Tells of this process' own commits. */
  follow(follower: Follower): () => void
  /** Changes when another connection has written into the database; `null` when no other can. */
  foreignVersion(): number | null
  readonly relay: RelaySettings
}

/** What {@link createChangeLog} is made from. */
export interface ChangeLogOptions {
  readonly reads: Reads
  /** For the relay: the writer sees other processes' commits by `data_version`, and not its own. */
  readonly writer: Connection
  readonly queue: WriteQueue
  readonly feed: CommitFeed
  readonly ages: AgeLimit
  readonly told: ToldHistory
  /** Can nobody else write into it? */
  readonly isPrivate: boolean
  readonly relay: RelaySettings
}

const DAY_MS = 86_400_000

/** Makes the log of one database. */
export function createChangeLog({
  reads,
  writer,
  queue,
  feed,
  ages,
  told,
  isPrivate,
  relay,
}: ChangeLogOptions): ChangeLog {
  /** What is to go is settled before anything does: where others go on writing, a call would not end. */
  const beginTrim = ({
    keep = Number.POSITIVE_INFINITY,
    maxAgeMs = Number.POSITIVE_INFINITY,
    mutationMaxAgeMs = DAY_MS,
  }: TrimOptions): Promise<{ changes: Old; answers: Old }> =>
    queue.write(({ connection }) => {
      trimEpochs(connection)
      const olderThan = ages.look(connection)
      const { before, upTo } = olderThan(maxAgeMs)
      const surplus = readHead(connection).offset - keep
      return { changes: { before, upTo: Math.max(upTo, surplus) }, answers: olderThan(mutationMaxAgeMs) }
    })
  const trimOnce = (
    changes: Old,
    answers: Expiry,
    trim: AnswerTrim,
  ): Promise<{ removed: number; floor: number; answers: AnswerTrim }> =>
    queue.write(({ connection }) => ({
      ...trimBatch(connection, changes, feed.doneUpTo()),
      answers: trimAnswers(connection, trim, answers),
    }))

  const head = (): Promise<Position> => reads.read(readHeadPosition)

  return {
    head,
    read(request) {
      if (!Number.isSafeInteger(request.limit) || request.limit < 1) {
        return Promise.reject(
          new DnrError('bad_option', `limit is ${request.limit}: expected a whole number, 1 or more.`),
        )
      }
      return reads.read((connection) => readHistory(connection, request, relay.maxWholeChanges))
    },
    async trim(options = {}) {
      checkTrimOptions(options)
      const { changes, answers: oldAnswers } = await beginTrim(options)
      const { keepMutations = Number.POSITIVE_INFINITY } = options
      const isCounted = keepMutations !== Number.POSITIVE_INFINITY
      const surplus = isCounted ? await surplusAnswers(reads, keepMutations) : -1
      // The answer of what changed nothing stands where the log ended, and may be given at any time while it ends there.
      const expiry = { before: oldAnswers.before, upTo: Math.max(surplus, oldAnswers.upTo - 1) }
      let removedChanges = 0
      for (let answers = beginAnswerTrim(isCounted); ;) {
        const done = await trimOnce(changes, expiry, answers)
        answers = done.answers
        removedChanges += done.removed
        if (done.removed === 0 && answers.batchesLeft === 0)
          return { removedChanges, removedMutations: answers.removed, floor: done.floor }
      }
    },
    source: {
      head,
      begin: () =>
        reads.read((connection) => {
          // Before the losses are counted: this read may be the first to find one.
          told.isIn(connection, readHead(connection))
          return { position: readHeadPosition(connection), losses: told.losses }
        }),
      get losses() {
        return told.losses
      },
      transactionsAfter: (after, limit, losses) =>
        reads.read((connection) => {
          const end = readHead(connection)
          const epochs = readEpochs(connection)
          const { maxWholeChanges } = relay
          const floor = readFloor(connection)
          // Entries that the floor has passed are there until a trim has deleted them, too.
          const from = Math.max(after.offset, floor)
          const { rows } = readEntries(connection, { after: from, limit, maxWholeChanges })
          const transactions = groupTransactions(rows.map((row) => toChange(row, epochs)))
          const isThere = after.offset === 0 || holdsPosition(epochs, end.offset, after)
          // Who began after the loss was noticed stands on the history of today, also before its epoch begins.
          told.isIn(connection, end)
          const holds = isThere && told.losses === losses
          return { transactions, floor: { epoch: epochAt(epochs, floor), offset: floor }, holds }
        }),
      beginAfter(losses) {
        if (told.losses === losses) told.lose()
        return queue.write((transaction) => ({ position: transaction.position(), losses: told.losses }))
      },
      follow: (follower) => feed.follow(follower),
      foreignVersion: () => (isPrivate ? null : (readPragma(writer.handle, 'data_version') as number)),
      relay,
    },
  }
}

function checkTrimOptions(options: TrimOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'number' || !(value >= 0))
      throw new DnrError('bad_option', `${name} is ${String(value)}: expected a number, 0 or more.`)
  }
}

function groupTransactions(changes: readonly Change[]): Change[][] {
  const transactions: Change[][] = []
  for (const change of changes) {
    const current = transactions.at(-1)
    if (current?.[0]?.transaction === change.transaction) current.push(change)
    else transactions.push([change])
  }
  return transactions
}
