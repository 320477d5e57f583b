// Where every write of one database waits its turn. Holds the queue, the write lock's retries and the open async
// transaction; what a write does is not its business. Next: `onCommitted`, the relay's way in.
//
//   idle ─enqueue→ scheduled ─next turn→ locking ─begun→ committing ─more→ scheduled │ ─empty→ idle
//                                          └busy→ waiting (jitter) ─→ locking
import { type Change, type Clock, DnrError } from '@dnr/protocol'
import { createDeferred, type Deferred, fullJitterDelayMs } from '@dnr/internal'
import type { Connection } from '../database/connection.ts'
import { busyError, closedError, storageError } from '../database/storage-error.ts'
import { type AsyncWork, runAsyncTransaction } from './async-transaction.ts'
import { begin, commit, rollback } from './commit.ts'
import { type GroupContext, runGroup, type Verdict, type Write } from './group-commit.ts'
import type { LogMemory, WriteTransaction } from './write-transaction.ts'

/** What the queue needs. */
export interface WriteQueueOptions {
  readonly connection: Connection
  readonly memory: LogMemory
  readonly clock: Clock
  /** The wall clock for what a write writes. */
  readonly now: () => number
  readonly random: () => number
  /** How long a write waits for the lock of another process. */
  readonly busyTimeoutMs: number
  /** How many writes may wait; more are refused with `busy`. */
  readonly maxQueuedWrites: number
  /** Called once per COMMIT that changed something, after it, in log order. Must not throw. */
  onCommitted(transactions: readonly (readonly Change[])[]): void
  /** Called with whatever a write or the lock failed with, before its promise is. Must not throw. */
  onFailed(error: unknown): void
}

/** Runs writes one group after the other. */
export interface WriteQueue {
  /**
   * Runs `write` in a transaction, perhaps together with others; settles after COMMIT or with the write's own error.
   * `rows`: how many it may write at most.
   */
  write<T>(write: (transaction: WriteTransaction) => T, rows?: number): Promise<T>
  /** Runs an async transaction that has the database for itself. */
  transaction<T>(work: AsyncWork<T>, timeoutMs: number): Promise<T>
  /** Runs `work` in a transaction of its own that does not touch the log: for migrations. */
  alone(work: () => void): Promise<void>
  /** Settles when no async transaction is open; `null` when none is. */
  transactionOver(): Promise<void> | null
  readonly length: number
  /** Refuses newcomers and resolves when everything accepted is settled. */
  close(): Promise<void>
}

/** A group of so many rows keeps the event loop for a few milliseconds; the rest goes in the next turn. */
const MAX_GROUP = 100
const BACKOFF = { baseMs: 5, maxMs: 100 }

interface Job {
  readonly kind: 'write' | 'transaction' | 'alone'
  readonly run: Write | AsyncWork<unknown> | (() => void)
  readonly timeoutMs: number
  readonly rows: number
  readonly deadline: number
  readonly settled: Deferred<unknown>
}

/** Makes the queue of one writer connection. */
export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { connection, clock } = options
  const context: GroupContext = { connection, memory: options.memory, now: options.now }
  const jobs: Job[] = []
  let turning = false
  let open: Deferred | null = null
  let closing: Deferred | null = null

  const enqueue = (kind: Job['kind'], run: Job['run'], timeoutMs: number, rows = 1): Promise<unknown> => {
    if (closing !== null) return Promise.reject(closedError())
    if (jobs.length >= options.maxQueuedWrites) return Promise.reject(busyError())
    const settled = createDeferred<unknown>()
    const deadline = clock.monotonic() + options.busyTimeoutMs
    jobs.push({ kind, run, timeoutMs, rows, deadline, settled })
    if (!turning) {
      turning = true
      // Everything that this turn of the event loop brings shares the commit.
      setImmediate(turn)
    }
    return settled.promise
  }

  const turn = (attempt = 0): void => {
    const begun = begin(connection)
    if (begun.status === 'begun') {
      const [first] = jobs
      if (first?.kind === 'transaction') return void runExclusive(first)
      if (first?.kind === 'alone') return runAlone(first)
      commitGroup()
      return next()
    }
    if (begun.status === 'failed') rejectAll(begun.error)
    else rejectOverdue(begun.error)
    if (jobs.length === 0) return next()
    clock.setTimeout(() => turn(attempt + 1), fullJitterDelayMs(attempt, BACKOFF, options.random))
  }

  const next = (): void => {
    if (jobs.length > 0) return void setImmediate(turn)
    turning = false
    closing?.resolve()
  }

  const settle = (job: Job, verdict: Verdict | undefined, committed: (readonly Change[])[]): void => {
    if (verdict?.ok === false) options.onFailed(verdict.error)
    settleJob(job, verdict, committed)
  }

  const commitGroup = (): void => {
    const group = jobs.splice(0, groupLength(jobs))
    const verdicts = runGroup(
      context,
      group.map((job) => job.run as Write),
    )
    const committed: (readonly Change[])[] = []
    group.forEach((job, index) => settle(job, verdicts[index], committed))
    if (committed.length > 0) options.onCommitted(committed)
  }

  const runExclusive = async (job: Job): Promise<void> => {
    jobs.shift()
    open = createDeferred()
    const verdict = await runAsyncTransaction(
      { ...context, clock },
      job.run as AsyncWork<unknown>,
      job.timeoutMs,
    )
    const over = open
    open = null
    over.resolve()
    const committed: (readonly Change[])[] = []
    settle(job, verdict, committed)
    if (committed.length > 0) options.onCommitted(committed)
    next()
  }

  const runAlone = (job: Job): void => {
    jobs.shift()
    options.memory.head.forget()
    try {
      ;(job.run as () => void)()
      commit(connection)
      job.settled.resolve(undefined)
    } catch (error) {
      rollback(connection)
      options.onFailed(error)
      job.settled.reject(storageError(error))
    }
    next()
  }

  const rejectAll = (error: unknown): void => {
    options.onFailed(error)
    for (const job of jobs.splice(0)) job.settled.reject(storageError(error))
  }

  const rejectOverdue = (error: unknown): void => {
    const now = clock.monotonic()
    const overdue = jobs.filter((job) => job.deadline <= now)
    if (overdue.length === 0) return
    jobs.splice(0, jobs.length, ...jobs.filter((job) => job.deadline > now))
    for (const job of overdue) job.settled.reject(storageError(error))
  }

  return {
    write: (write, rows) => enqueue('write', write, 0, rows) as Promise<never>,
    transaction: (work, timeoutMs) => enqueue('transaction', work, timeoutMs) as Promise<never>,
    alone: (work) => enqueue('alone', work, 0) as Promise<void>,
    transactionOver: () => open?.promise ?? null,
    get length() {
      return jobs.length
    },
    close() {
      if (closing === null) {
        closing = createDeferred()
        if (!turning) closing.resolve()
      }
      return closing.promise
    },
  }
}

/** How many of the first jobs may share a turn of the event loop: as many rows as fit, one job at least. */
function groupLength(jobs: readonly Job[]): number {
  let rows = 0
  const end = jobs.findIndex((job, index) => {
    rows += job.rows
    return job.kind !== 'write' || (rows > MAX_GROUP && index > 0)
  })
  return end === -1 ? jobs.length : end
}

function settleJob(job: Job, verdict: Verdict | undefined, committed: (readonly Change[])[]): void {
  if (verdict === undefined)
    return job.settled.reject(new DnrError('internal', 'A write was lost: please report it.'))
  if (!verdict.ok)
    return job.settled.reject(job.kind === 'write' ? storageError(verdict.error) : verdict.error)
  if (verdict.changes.length > 0) committed.push(verdict.changes)
  job.settled.resolve(verdict.value)
}
