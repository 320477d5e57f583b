// Watches a whole system from outside, and says when a promise is broken. Holds the log as it was told, the connections and the
// mutations; each rule lives in a file of its own beside this one.
import type { Change, ChangeSink, WireRow } from '@dnr/protocol'
import type { Link, LinkWatcher } from '../network/link.ts'
import { createAudiences } from './audiences.ts'
import { createChannelWatch } from './channel-watch.ts'
import { checkApplied, checkAtRest, type ShownCollection } from './collection-checker.ts'
import { type CommittedLog, createCommittedLog } from './committed-log.ts'
import { type ConnectionChecker, createConnectionChecker } from './connection-checker.ts'
import { createHeldRights } from './held-rights.ts'
import { createLeakChecker } from './leak-checker.ts'
import { createMutationChecker, type MutationOutcome } from './mutation-checker.ts'
import { createPresenceChecker, type ShownPeople } from './presence-checker.ts'
import { checkResponse, type Exchange } from './response-checker.ts'
import { isSameRow, type RightsPort } from './rights.ts'
import { InvariantViolation } from './violation.ts'

/** What the checker needs to know of the user's system. */
export interface InvariantCheckerOptions extends RightsPort {
  /** Who connects from a host of the network. @default the host's name */
  readonly principalOf?: (host: string) => string
  /**
   * A global pattern of texts that stand in one field of one row (ids may be such texts), or are said on one channel: every
   * frame and every answer over HTTP is searched for them.
   * @default nothing is searched for
   */
  readonly marker?: RegExp
}

/**
 * Says when something is lost, doubled, out of order, shown to somebody who may not see it, not answered or not settled. Every method that
 * judges throws an {@link InvariantViolation}; the first one is kept in `violation`, also when the caller swallows it.
 */
export interface InvariantChecker extends LinkWatcher {
  /** Committed changes in log order, whole transactions; told again does no harm. */
  committed(changes: readonly Change[]): void
  /** A sink that tells the checker before `sink`: `database.startRelay(checker.before(realtime.eventBus))`. */
  before(sink: ChangeSink): ChangeSink
  /** A backup was restored: what was after `offset` never happened. */
  restored(offset: number): void
  /** Somebody's rights may be others than before. */
  rightsChanged(): void
  /** The application itself (or `author`) says something on a channel without rows: its markers are for who hears that (S7). */
  said(channel: string, text: string, author?: string): void
  /** A request over HTTP was answered (S7). */
  answered(exchange: Exchange): void
  /**
   * Policies of the server throw, reject or are late, now or from now on: rows may be missing, or gone, for a while. What is sent
   * still has to be what its reader may see, in order; and at rest nothing is missing any more.
   */
  policiesFail(): void
  /** A collection has applied something (S2). */
  applied(shown: ShownCollection): void
  /** A write was asked for, and what became of it (S4, S5, S10). */
  asked(mutationId: string, who: string): void
  settled(mutationId: string, outcome: MutationOutcome): void
  /** The rows of a table, as they travel, against the log (S1). */
  table(entity: string, rows: readonly WireRow[]): void
  /**
   * Nothing happens any more: every collection is its query (S8), every mutation settled (S10), every frame explained, who is
   * shown at a resource is there (S11), and every request answered (S12).
   */
  atRest(collections: readonly ShownCollection[], people?: readonly ShownPeople[]): void
  readonly log: CommittedLog
  readonly violation: InvariantViolation | null
}

/**
 * Makes a checker for the user's own entities and policies.
 *
 * @example
 * const checker = createInvariantChecker({ rightsOf: (user) => ({ key: teamOf(user), sees: (row) => row.team === teamOf(user) }) })
 * network.watch(checker)
 * database.startRelay(checker.before(realtime.eventBus))
 */
export function createInvariantChecker(options: InvariantCheckerOptions): InvariantChecker {
  const { principalOf = (host: string) => host } = options
  const log = createCommittedLog()
  const rights = createHeldRights(options)
  const mutations = createMutationChecker(log)
  const audiences =
    options.hears === undefined
      ? null
      : createAudiences((principal, channel) => options.hears?.(principal, channel) === true)
  const leaks = options.marker === undefined ? null : createLeakChecker(options.marker, rights, audiences)
  const presence = audiences && createPresenceChecker(audiences)
  const connections = new Map<string, ConnectionChecker>()
  let violation: InvariantViolation | null = null

  /** Keeps the first violation: it may be thrown into code that catches everything. */
  const judging = (judge: () => void): void => {
    try {
      judge()
    } catch (error) {
      if (error instanceof InvariantViolation) violation ??= error
      throw error
    }
  }
  const committed = (changes: readonly Change[]): void =>
    judging(() => {
      const fresh = changes.filter(({ position }) => position.offset > log.head)
      log.add(changes)
      if (fresh.length === 0) return
      mutations.committed(fresh)
      leaks?.committed(fresh)
      for (const connection of connections.values()) connection.judge()
    })

  return {
    log,
    get violation() {
      return violation
    },
    committed,
    before: (sink) => ({
      publish(transaction) {
        committed(transaction)
        return sink.publish(transaction)
      },
      skipTo: (gap) => sink.skipTo?.(gap),
    }),
    restored: (offset) => log.cutAfter(offset),
    rightsChanged() {
      rights.changed()
      audiences?.changed()
      presence?.rightsChanged()
    },
    said: (channel, text, author) => leaks?.said(channel, text, author ?? null),
    answered: (exchange) =>
      judging(() => {
        const { principal, entity, ...frames } = exchange
        const wrong = checkResponse(exchange, { log, rights, leaks: leaks?.watch(principal) ?? null })
        if (wrong !== null)
          throw new InvariantViolation('S7', { who: `${principal} ${entity}`, ...wrong, actual: frames })
      }),
    policiesFail: rights.failed,
    applied: (shown) => judging(() => checkApplied(shown, log, rights, 0)),
    asked: mutations.asked,
    settled: (mutationId, outcome) => judging(() => mutations.settled(mutationId, outcome)),
    table: (entity, rows) => judging(() => checkTable(entity, rows, log)),
    atRest: (collections, people = []) =>
      judging(() => {
        mutations.atRest()
        presence?.atRest(people)
        for (const shown of collections) checkAtRest(shown, log, rights)
        for (const [name, { waiting, unanswered }] of connections) {
          if (waiting > 0)
            throw new InvariantViolation('S2', {
              who: name,
              what: 'frames about changes that were never committed',
            })
          if (unanswered !== null)
            throw new InvariantViolation('S12', { who: name, what: `${unanswered} was never answered` })
        }
      }),
    opened(link: Link) {
      const { name, host } = link
      const isAlive = (): boolean => link.isAlive
      const principal = principalOf(host)
      connections.set(
        name,
        createConnectionChecker({
          name,
          principal,
          log,
          rights,
          leaks: leaks?.watch(principal) ?? null,
          channels: audiences && createChannelWatch(principal, audiences, leaks),
          presence: presence?.watch(name, principal, isAlive) ?? null,
          isAlive,
        }),
      )
    },
    received: (link, text) => judging(() => connections.get(link.name)?.received(text)),
    sent: (link, text) => judging(() => connections.get(link.name)?.sent(text)),
    closed({ name }) {
      connections.delete(name)
      presence?.closed(name)
    },
  }
}

function checkTable(entity: string, rows: readonly WireRow[], log: CommittedLog): void {
  const actual = new Map(rows.map((row) => [row.id, row]))
  for (const id of new Set([...log.ids(entity), ...actual.keys()])) {
    const expected = log.rowAt(entity, id, log.head)
    if (isSameRow(expected, actual.get(id))) continue
    throw new InvariantViolation('S1', {
      who: `the table of ${entity}`,
      what: `row ${id} is not what the log says`,
      expected,
      actual: actual.get(id) ?? null,
    })
  }
}
