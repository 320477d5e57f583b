// Several writes in one BEGIN … COMMIT, a verdict each. Holds no queue; the write lock is already taken when it starts.
// Next: the queue hands the verdicts out and the committed transactions to the relay.
import type { Change } from '@dnr/protocol'
import type { Connection } from '../database/connection.ts'
import { endsTransaction, isConstraint } from '../database/storage-error.ts'
import { begin, commit, rollback } from './commit.ts'
import {
  type LogMemory,
  type LogSession,
  openLogSession,
  type WriteTransaction,
} from './write-transaction.ts'

/** One write: runs synchronously inside a transaction, may be run again if the group has to be split. */
export type Write = (transaction: WriteTransaction) => unknown

/** What came of one write of a group. */
export type Verdict =
  | { readonly ok: true; readonly value: unknown; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly error: unknown }

/** What a group needs beside its writes. */
export interface GroupContext {
  readonly connection: Connection
  readonly memory: LogMemory
  now(): number
}

/**
 * Runs `writes` in the transaction that has just begun, and commits. A write that throws is undone alone:
 *
 *   1 all without savepoints: who is refused before writing anything has nothing to undo
 *   2 somebody threw after that → all again, each under its own savepoint
 *   3 the whole transaction was lost (a deferred foreign key at COMMIT, an error after which SQLite rolls back) → each in
 *     a transaction of its own, so that only the culprit fails
 */
export function runGroup(context: GroupContext, writes: readonly Write[]): Verdict[] {
  const [only] = writes
  if (writes.length === 1 && only !== undefined) return [runOnly(context, only)]
  return (
    runTogether(context, writes, attemptBare) ??
    runAgain(context, writes) ??
    writes.map((write) => runAlone(context, write))
  )
}

function runOnly(context: GroupContext, write: Write): Verdict {
  try {
    const session = openSession(context)
    const transaction = session.begin()
    const value = write(transaction)
    const changes = transaction.changes()
    finish(context, session)
    return { ok: true, value, changes }
  } catch (error) {
    rollback(context.connection)
    return { ok: false, error }
  }
}

function runAgain(context: GroupContext, writes: readonly Write[]): Verdict[] | null {
  return begin(context.connection).status === 'begun' ? runTogether(context, writes, attempt) : null
}

/** Runs one write of a group; `null`: what it wrote cannot be undone alone. */
type Attempt = (session: LogSession, write: Write) => Verdict | null

/** `null` when the transaction was lost as a whole and nothing is written. */
function runTogether(context: GroupContext, writes: readonly Write[], attemptOne: Attempt): Verdict[] | null {
  const { connection } = context
  try {
    const session = openSession(context)
    const verdicts: Verdict[] = []
    for (const write of writes) {
      const verdict = attemptOne(session, write)
      if (verdict === null) rollback(connection)
      if (verdict === null || session.lost !== null) return null
      verdicts.push(verdict)
    }
    finish(context, session)
    return verdicts
  } catch (error) {
    rollback(connection)
    return isConstraint(error) ? null : writes.map(() => ({ ok: false, error }))
  }
}

// A savepoint takes two statements, a tenth of what a write of a group costs.
function attemptBare(session: LogSession, write: Write): Verdict | null {
  const transaction = session.begin()
  const { connection } = transaction
  const { writesRun } = connection
  try {
    const value = write(transaction)
    return { ok: true, value, changes: transaction.changes() }
  } catch (error) {
    const wroteNothing = connection.writesRun === writesRun
    return wroteNothing && !endsTransaction(error) ? { ok: false, error } : null
  }
}

function attempt(session: LogSession, write: Write): Verdict {
  const transaction = session.begin()
  try {
    const value = transaction.attempt(() => write(transaction))
    return { ok: true, value, changes: transaction.changes() }
  } catch (error) {
    return { ok: false, error }
  }
}

function runAlone(context: GroupContext, write: Write): Verdict {
  const begun = begin(context.connection)
  return begun.status === 'begun' ? runOnly(context, write) : { ok: false, error: begun.error }
}

function openSession({ connection, memory, now }: GroupContext): LogSession {
  return openLogSession(connection, memory, now())
}

function finish({ connection }: GroupContext, session: LogSession): void {
  session.end()
  commit(connection)
  session.committed()
}
