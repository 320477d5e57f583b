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
import { createAdminRoutes } from './admin-routes.ts'
import { type Environment, EnvironmentError } from './environment.ts'
import { createMemberList } from './member-list.ts'
import { type MemberTeams, Move, openMemberTeams } from './member-teams.ts'
import { boardPolicies } from './policy.ts'
import { createRoutes } from './routes.ts'
import { seedDemo } from './seed.ts'
import { createSessions, type SignedIn } from './session.ts'
import { createStaticFiles } from './static-files.ts'
import { taskFields } from './task-fields.ts'
import { createWhoAsks } from './who-asks.ts'

export interface RunningBoard {
  readonly url: string
  /** Asks everybody to come back later, then lets go of the port and the database. */
  stop(): Promise<void>
}

const TRIM_INTERVAL_MS = 10_000

export async function startBoard(environment: Environment, logger: Logger): Promise<RunningBoard> {
  const { databasePath, presenceTtlMs, limits, logRetention } = environment
  if (databasePath !== ':memory:') makeFolder(dirname(databasePath))
  const database = openDatabase({ path: databasePath, logger })
  const moves = createRealtimeRepository({ database, entity: Move })
  const teamOf: MemberTeams['teamOf'] = (user) => teams.teamOf(user)
  const tasks = createRealtimeRepository({ database, entity: Task, prepare: taskFields(database, teamOf) })
  await database.migrate([tasks, moves])
  const teams = await openMemberTeams(moves)
  if (environment.seedDemo) await seedDemo(tasks, Date.now())

  const sessions = createSessions(environment.secret ?? randomBytes(32).toString('hex'))
  const tickets = createTickets<SignedIn>()
  const memberList = createMemberList(teams)
  const realtime = createRealtimeServer<SignedIn>({
    repositories: [tasks],
    history: database.changeLog,
    storage: database,
    authenticate: ({ token }) => (token === null ? null : (tickets.redeem(token) ?? sessions.verify(token))),
    policies: boardPolicies(teams),
    plugins: [presence({ ttlMs: presenceTtlMs }), memberList],
    heartbeatIntervalMs: Math.max(100, Math.min(25_000, Math.floor(presenceTtlMs / 10))),
    limits,
    logger,
  })
  const relay = database.startRelay(realtime.eventBus)
  const stopTrimming = startTrimming(database, logRetention, logger)

  const files = createStaticFiles(fileURLToPath(new URL('./web/', import.meta.url)))
  const whoAsks = createWhoAsks(sessions, teams)
  const admin = createAdminRoutes({ realtime, teams, memberList, whoAsks, explains: environment.explains })
  const http = createServer(createRoutes({ realtime, sessions, tickets, teams, whoAsks, admin, files }))
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

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    const { message } = error as Error
    throw new EnvironmentError(`DATABASE_URL: the folder of the file cannot be made. ${message}`)
  }
}

/**
 * Keeps the newest changes, or all; whoever was away for longer reads the rows anew. Answers to repeated writes go after a
 * day of running in any case.
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
