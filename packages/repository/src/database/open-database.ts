// One SQLite database: its connections, the queue of its writes, its log. Wires the stations together and holds nothing
// else. Next: rows/, which writes through it.
import { DnrError, silentLogger } from '@dnr/protocol'
import { systemClock, systemRandom } from '@dnr/internal'
import { customAlphabet, urlAlphabet } from 'nanoid'
import { createAgeLimit } from '../change-log/age-limit.ts'
import { createChangeLog } from '../change-log/change-log.ts'
import { createCommitFeed } from '../change-log/commit-feed.ts'
import { verifyLog } from '../change-log/verify-log.ts'
import { startChangeRelay } from '../relay/change-relay.ts'
import { createTransactionExecutor, type Executor } from '../rows/executor.ts'
import type { RealtimeRepository } from '../rows/realtime-repository.ts'
import { type MigratedTable, migrateTables } from '../schema/migrate.ts'
import type { OpenTransaction } from '../write/async-transaction.ts'
import { createHeadMemory, noHeadMemory } from '../write/head-memory.ts'
import { createToldHistory, watchReads } from '../write/told-history.ts'
import { createWriteQueue } from '../write/write-queue.ts'
import type { LogMemory } from '../write/write-transaction.ts'
import type { DynamicTables } from './compile.ts'
import { openConnections } from './connections.ts'
import { createFileCheck } from './file-identity.ts'
import { createHealthCheck } from './health-check.ts'
import { setInternals } from './internals.ts'
import {
  DATABASE_DEFAULTS,
  type DatabaseOptions,
  type DatabaseTransaction,
  type RealtimeDatabase,
} from './realtime-database.ts'
import { createReads } from './reads.ts'
import { closedError } from './storage-error.ts'
import { createStorageHealth } from './storage-health.ts'
import { createUserKysely } from './user-kysely.ts'
import { createWalWatch } from './wal-watch.ts'

/**
 * Opens a SQLite database for reading and writing, in WAL mode with every commit on the disk before it is answered.
 *
 * @example
 * const database = openDatabase({ path: 'tasks.db' })
 *
 * @throws DnrError `unsupported_runtime` on a Node too old for the driver, `storage_failed` when the file cannot be used,
 * `storage_corrupt` when it is damaged, `bad_option`
 */
export function openDatabase<Tables = DynamicTables>(options: DatabaseOptions): RealtimeDatabase<Tables> {
  const settings = {
    ...DATABASE_DEFAULTS,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    createEpoch: createEpochName,
    ...options,
  }
  checkSettings(settings)
  const connections = openConnections(options, settings)
  const { writer, reader, isShared, isPrivate } = connections
  const { clock, random, logger, busyTimeoutMs } = settings
  const feed = createCommitFeed()
  const ages = createAgeLimit(clock)
  const storage = createStorageHealth(logger)
  const wal = createWalWatch({ handle: writer.handle, alarmBytes: settings.walAlarmBytes, clock, logger })
  const createEpoch = (): string => checkEpochName(settings.createEpoch())
  const memory: LogMemory = {
    epoch: createEpoch(),
    createEpoch,
    told: createToldHistory(),
    started: false,
    isOwn: connections.isWriterOurs,
    head: connections.isWriterOurs ? createHeadMemory(writer.handle) : noHeadMemory,
  }
  const queue = createWriteQueue({
    ...settings,
    now: ages.now,
    connection: writer,
    memory,
    onCommitted(transactions) {
      storage.worked()
      wal.committed()
      feed.committed(transactions)
      if (ages.isDue()) noteAge()
    },
    onFailed: storage.failed,
  })
  /** Whoever trims, a nightly script perhaps, cannot know how long this process has run. The next commit tries again. */
  const noteAge = (): void => void queue.write(({ connection }) => ages.look(connection)).catch(() => {})
  const transactionOver = (): Promise<void> | null => (isShared ? queue.transactionOver() : null)
  let closing: Promise<void> | null = null
  let isClosed = false
  const reads = createReads({
    connection: reader,
    clock,
    random,
    busyTimeoutMs,
    transactionOver,
    isClosed: () => isClosed,
    onRead: watchReads(memory.told, { connection: reader, isShared, isPrivate }),
    onFailed: storage.failed,
  })
  const { relayPollMs: pollMs, maxWholeChanges } = settings
  const relay = { clock, random, logger, pollMs, maxWholeChanges }
  const changeLog = createChangeLog({ reads, writer, queue, feed, ages, told: memory.told, isPrivate, relay })
  const kysely = createUserKysely<Tables>({
    open: connections.openUserConnection,
    isOwn: connections.hasUserConnection,
    async ready() {
      if (isClosed) throw closedError()
      await transactionOver()
    },
  })
  const closeAll = async (): Promise<void> => {
    await queue.close()
    // Relays still read what they have not delivered.
    await feed.close()
    isClosed = true
    connections.close()
  }
  const executors = new WeakMap<DatabaseTransaction, Executor>()
  const tables = new WeakMap<object, MigratedTable>()

  const tableOf = (repository: RealtimeRepository): MigratedTable => {
    const table = tables.get(repository)
    if (table !== undefined) return table
    const { name } = repository.entity
    throw new DnrError('bad_option', `The repository of ${name} belongs to another database.`)
  }

  const database: RealtimeDatabase<Tables> = {
    async migrate(repositories = []) {
      const known = repositories.map(tableOf)
      await queue.alone(() => migrateTables(writer, known))
      // Any write transaction begins this process' epoch; this one does nothing else.
      await queue.write(() => undefined)
    },
    async transaction(work, { timeoutMs = settings.transactionTimeoutMs } = {}) {
      return queue.transaction((open) => {
        const transaction = createTransaction(open)
        executors.set(transaction, createTransactionExecutor(open))
        return work(transaction)
      }, timeoutMs)
    },
    verify: async (repositories) =>
      verifyLog(
        reads,
        repositories.map((repository) => tableOf(repository).model),
      ),
    changeLog,
    startRelay: (sink) => startChangeRelay(changeLog, sink),
    kysely,
    health: createHealthCheck({ storage, queue, wal, reads, checkFile: createFileCheck(writer.handle) }),
    close() {
      closing ??= closeAll()
      return closing
    },
  }
  setInternals(database, {
    executor: { read: reads.read, write: queue.write },
    executorOf(transaction) {
      const executor = executors.get(transaction)
      if (executor === undefined)
        throw new DnrError(
          'bad_option',
          'within(tx): expected the transaction that database.transaction handed to its callback.',
        )
      return executor
    },
    register: (repository, table) => void tables.set(repository, table),
  })
  return database
}

/** 70 random bits; "-" stands between the two parts of an epoch's name. */
const createEpochName = customAlphabet(urlAlphabet.replace('-', ''), 12)

function checkEpochName(name: string): string {
  if (/^\w{1,31}$/.test(name)) return name
  throw new DnrError('bad_option', `createEpoch gave "${name}": expected 1 to 31 letters, digits or "_".`)
}

function createTransaction(open: OpenTransaction): DatabaseTransaction {
  return {
    async query(query) {
      const { sql, parameters } = query.compile()
      return open.use().connection.query(sql, parameters) as never
    },
  }
}

const NUMBERS = [
  'busyTimeoutMs',
  'maxQueuedWrites',
  'transactionTimeoutMs',
  'relayPollMs',
  'maxWholeChanges',
  'walAlarmBytes',
] as const

function checkSettings(
  settings: Readonly<Record<(typeof NUMBERS)[number], number>> & { readonly synchronous: string },
): void {
  for (const name of NUMBERS) {
    const least = name === 'busyTimeoutMs' ? 0 : 1
    if (!(settings[name] >= least))
      throw new DnrError('bad_option', `${name} is ${settings[name]}: expected a number, ${least} or more.`)
  }
  if (settings.synchronous !== 'full' && settings.synchronous !== 'normal') {
    throw new DnrError(
      'bad_option',
      `synchronous is ${JSON.stringify(settings.synchronous)}: expected "full" or "normal".`,
    )
  }
}
