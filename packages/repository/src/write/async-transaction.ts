// A transaction that stays open while a user's async function runs. Holds the time limit; nobody else writes meanwhile.
import { type Clock, DnrError } from '@dnr/protocol'
import { storageError } from '../database/storage-error.ts'
import { commit, rollback } from './commit.ts'
import type { GroupContext, Verdict } from './group-commit.ts'
import { openLogSession, type WriteTransaction } from './write-transaction.ts'

/** A transaction that calls can join while it is open. */
export interface OpenTransaction {
  /** The transaction, or the reason why it can no longer be used. */
  use(): WriteTransaction
}

/** What runs inside. */
export type AsyncWork<T> = (transaction: OpenTransaction) => Promise<T>

type Outcome =
  | { readonly ended: 'value'; readonly value: unknown }
  | { readonly ended: 'error' | 'timeout'; readonly error: unknown }

/** Runs `work` in the transaction that has just begun, then commits; whatever it throws, or a time-out, undoes it all. */
export async function runAsyncTransaction(
  context: GroupContext & { readonly clock: Clock },
  work: AsyncWork<unknown>,
  timeoutMs: number,
): Promise<Verdict> {
  const { connection, memory, clock } = context
  let over: DnrError | null = null
  try {
    const session = openLogSession(connection, memory, context.now())
    const transaction = session.begin()
    const use = (): WriteTransaction => {
      if (over !== null) throw over
      if (session.lost !== null) throw session.lost.error
      transaction.resume()
      return transaction
    }
    const outcome = await withTimeout(() => work({ use }), clock, timeoutMs)
    over = outcome.ended === 'timeout' ? (outcome.error as DnrError) : overError()
    if (outcome.ended !== 'value') {
      rollback(connection)
      return { ok: false, error: outcome.error }
    }
    // Also when `work` has swallowed the error: what it wrote before is gone.
    if (session.lost !== null) throw session.lost.error
    transaction.resume()
    const changes = transaction.changes()
    session.end()
    commit(connection)
    session.committed()
    return { ok: true, value: outcome.value, changes }
  } catch (error) {
    over ??= overError()
    rollback(connection)
    return { ok: false, error: storageError(error) }
  }
}

function withTimeout(work: () => Promise<unknown>, clock: Clock, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const cancel = clock.setTimeout(
      () => resolve({ ended: 'timeout', error: timeoutError(timeoutMs) }),
      timeoutMs,
    )
    const end = (outcome: Outcome): void => {
      cancel()
      resolve(outcome)
    }
    // Through a promise of its own, so that a function that throws at once is an outcome like any other.
    Promise.resolve()
      .then(work)
      .then(
        (value) => end({ ended: 'value', value }),
        (error: unknown) => end({ ended: 'error', error }),
      )
  })
}

function timeoutError(timeoutMs: number): DnrError {
  return new DnrError(
    'transaction_timeout',
    `The transaction was open for ${timeoutMs} ms and has been rolled back. While it is open nobody else writes: await nothing slow in it, ` +
      'and use repository.within(tx) for every call, since a call without it waits for this very transaction.',
    { retryable: true },
  )
}

function overError(): DnrError {
  return new DnrError('closed', 'The transaction is over: await every call that you make inside it.')
}
