import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { presence } from '@dnr/presence/server'
import {
  createRealtimeRepository,
  type DatabaseSettings,
  openDatabase,
  type RealtimeRepository,
  type SqliteHandle,
} from '@dnr/repository'
import {
  allow,
  allowChannel,
  type ChangeHistory,
  createRealtimeServer,
  type EntityStore,
  policies,
  type RealtimeServerOptions,
} from '@dnr/server'
import { toNodeListener } from '@dnr/server/node'
import { attachWebSockets, type AttachOptions } from '@dnr/server/ws'
import { Task, type User } from './task.ts'

export interface StackOptions {
  readonly path: string
  readonly port?: number
  /** A handle on that file, for tests that do something to it. @default one of the database's own */
  readonly handle?: SqliteHandle
  readonly database?: DatabaseSettings
  /** Are writes around the repository to arrive, too? */
  readonly captureTable?: boolean
  /** What the server reads from. @default the repository and its log themselves */
  readonly storeOf?: (tasks: RealtimeRepository<typeof Task>) => EntityStore<typeof Task>
  readonly historyOf?: (changeLog: ChangeHistory) => ChangeHistory
  /** In place of what is said below. */
  readonly server?: RealtimeServerOptions<User>
  readonly attach?: AttachOptions
}

/**
 * The whole server on a free port: SQLite file, relay, event bus, policies, presence, HTTP and sockets.
 *
 * A token is `NAME.TEAM`. A user sees and writes the tasks of their team, and who is at `board/TEAM`.
 */
export async function startStack({
  path,
  port = 0,
  handle,
  captureTable = false,
  storeOf = (tasks) => tasks,
  historyOf = (changeLog) => changeLog,
  server,
  attach,
  ...options
}: StackOptions) {
  const location = handle === undefined ? { path } : { handle }
  const database = openDatabase({ ...location, ...options.database })
  const tasks = createRealtimeRepository({ database, entity: Task, captureTable })
  await database.migrate([tasks])
  const realtime = createRealtimeServer<User>({
    repositories: [storeOf(tasks)],
    history: historyOf(database.changeLog),
    storage: database,
    authenticate: ({ token }) => (token === null ? null : userOf(token)),
    policies: policies(
      allow(Task, (user: User | null) => {
        if (user === null) return false
        const isOurs = (task: { readonly team: string }) => task.team === user.team
        return { key: user.team, sees: isOurs, create: isOurs, update: isOurs, delete: isOurs }
      }),
      allowChannel('presence', (user: User, resource) => resource === `board/${user.team}`),
    ),
    plugins: [presence({ ttlMs: 30_000 })],
    ...server,
  })
  const relay = database.startRelay(realtime.eventBus)
  const listener = toNodeListener(realtime.http)
  const http = createServer((request, response) => void listener(request, response))
  attachWebSockets(realtime, http, { path: '/ws', ...attach })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  const { port: ownPort } = http.address() as AddressInfo
  return {
    database,
    tasks,
    realtime,
    relay,
    http,
    port: ownPort,
    url: `ws://127.0.0.1:${ownPort}/ws`,
    httpUrl: `http://127.0.0.1:${ownPort}`,
    async [Symbol.asyncDispose]() {
      await relay.stop()
      await realtime.close()
      http.closeAllConnections()
      http.close()
      await database.close()
    },
  }
}

function userOf(token: string): User {
  const [id = '', team = ''] = token.split('.')
  return { id, name: id, team }
}
