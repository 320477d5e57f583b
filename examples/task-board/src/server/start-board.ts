// The board's server, wired: a database, rows that log their changes, who may see them, sockets and HTTP.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { presence } from '@dnr/presence/server'
import type { Logger } from '@dnr/protocol'
import { createRealtimeRepository, openDatabase, type RealtimeDatabase } from '@dnr/repository'
import { createRealtimeServer, createTickets } from '@dnr/server'
import { attachWebSockets } from '@dnr/server/ws'
import { Task } from '../shared/task.ts'
import type { User } from '../shared/user.ts'
import type { Environment } from './environment.ts'
import { boardPolicies, mayWatchPresence } from './policy.ts'
import { createRoutes } from './routes.ts'
import { seedDemo } from './seed.ts'
import { createSessions } from './session.ts'
import { createStaticFiles } from './static-files.ts'
import { taskFields } from './task-fields.ts'

export interface RunningBoard {
  readonly url: string
  /** Asks everybody to come back later, then lets go of the port and the database. */
  stop(): Promise<void>
}

const TRIM_INTERVAL_MS = 10_000

export async function startBoard(environment: Environment, logger: Logger): Promise<RunningBoard> {
  const { databasePath, presenceTtlMs, limits, logRetention } = environment
  if (databasePath !== ':memory:') mkdirSync(dirname(databasePath), { recursive: true })
  const database = openDatabase({ path: databasePath, logger })
  const tasks = createRealtimeRepository({ database, entity: Task, prepare: taskFields(database) })
  await database.migrate([tasks])
  if (environment.seedDemo) await seedDemo(tasks, Date.now())

  const sessions = createSessions(environment.secret ?? randomBytes(32).toString('hex'))
  const tickets = createTickets<User>()
  const realtime = createRealtimeServer<User>({
    repositories: [tasks],
    history: database.changeLog,
    storage: database,
    authenticate: ({ token }) => (token === null ? null : (tickets.redeem(token) ?? sessions.verify(token))),
    policies: boardPolicies,
    channels: { presence: mayWatchPresence },
    plugins: [presence({ ttlMs: presenceTtlMs })],
    heartbeatIntervalMs: Math.max(100, Math.min(25_000, Math.floor(presenceTtlMs / 10))),
    limits,
    logger,
  })
  const relay = database.startRelay(realtime.eventBus)
  const stopTrimming = startTrimming(database, logRetention, logger)

  const files = createStaticFiles(fileURLToPath(new URL('./web/', import.meta.url)))
  const http = createServer(createRoutes({ realtime, sessions, tickets, files }))
  attachWebSockets(realtime, http, { path: '/ws' })
  const url = await listen(http, environment)

  return {
    url,
    async stop() {
      stopTrimming()
      await realtime.drain({ timeoutMs: 1_000, spreadMs: 2_000 })
      await closeHttp(http)
      await relay.stop()
      await realtime.close()
      await database.close()
    },
  }
}

/**
 * Keeps the newest changes, or all; whoever was away for longer reads the rows anew. Answers to repeated writes go after a
 * day in any case.
 */
function startTrimming(database: RealtimeDatabase, keep: number | null, logger: Logger): () => void {
  const trim = (): void => {
    database.changeLog
      .trim(keep === null ? {} : { keep })
      .catch((error: unknown) => logger.error('The change log could not be trimmed.', { error }))
  }
  trim()
  const timer = setInterval(trim, TRIM_INTERVAL_MS)
  return () => clearInterval(timer)
}

async function listen(http: Server, { port, host }: Environment): Promise<string> {
  http.listen(port, host)
  await once(http, 'listening')
  const { port: ownPort } = http.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${ownPort}`
}

async function closeHttp(http: Server): Promise<void> {
  const closed = once(http, 'close')
  http.close()
  http.closeIdleConnections()
  setTimeout(() => http.closeAllConnections(), 1_000).unref()
  await closed
}
