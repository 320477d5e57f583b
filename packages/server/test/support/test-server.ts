// A server over socket pairs and a clock that is moved by hand.
import { DnrError, type Logger, type ServerMessage } from '@dnr/protocol'
import {
  type ClientEnd,
  createManualClock,
  createSocketPair,
  drainMicrotasks,
  type ManualClock,
  type SocketPair,
} from '@dnr/testing'
import type { Authenticator, Watch } from '../../src/connection/authenticate.ts'
import type { Writes } from '../../src/connection/message-router.ts'
import type { Handshake } from '../../src/ports/server-socket.ts'
import { allow } from '../../src/policy/rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { type RealtimeServerOptions, resolveOptions } from '../../src/server/options.ts'
import { createPolicies, createRealtimeCore, type RealtimeCore } from '../../src/server/realtime-core.ts'
import { Task, type User } from './entities.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- whatever came: tests compare it
type Loose = any

/** A message as it came. */
export type Received = ServerMessage & { readonly payload?: Loose; readonly [field: string]: Loose }

export interface TestClient {
  readonly pair: SocketPair
  readonly socket: ClientEnd
  readonly id: string
  /** Everything received so far. */
  readonly received: Received[]
  /** What came since the last call. */
  take(): Promise<Received[]>
  send(message: object | string): void
  /** Sends and gives what came until nothing more does. */
  ask(message: object | string): Promise<Received[]>
  readonly closed: { code: number; reason: string } | null
}

export interface TestServer extends RealtimeCore {
  readonly clock: ManualClock
  readonly memory: MemoryStore
  /** How much is being looked after in somebody's name: see `Watch`. */
  readonly watches: number
  readonly logged: { level: string; message: string; details: unknown }[]
  connect(token?: string | null, handshake?: Partial<Handshake>): Promise<TestClient>
}

/** Tokens are `name@team`; `bad` and `expired` are what they say. */
export function authenticate({ token }: { token: string | null }): User | null {
  if (token === null) return null
  if (token === 'bad') throw new DnrError('unauthorized', 'bad token')
  if (token === 'expired') throw new DnrError('token_expired', 'old token')
  const [id = '', team = ''] = token.split('@')
  return { id, team }
}

export const teamPolicy = policies(
  allow(
    Task,
    (user: User | null) =>
      user && { key: user.team, sees: (task) => task.team === user.team, create: true, update: true },
  ),
)

export const noWrites: Writes = { write: () => Promise.reject(new DnrError('forbidden', 'no writes here')) }

export function createTestServer(
  options: RealtimeServerOptions<User> & { memory?: MemoryStore; writes?: Writes } = {},
): TestServer {
  const { memory = createMemoryStore(), writes = noWrites, ...others } = options
  const clock = createManualClock()
  const logged: TestServer['logged'] = []
  const log =
    (level: string): Logger['info'] =>
    (message, details) =>
      void logged.push({ level, message, details })
  let ids = 0
  const resolved = resolveOptions<User>({
    repositories: [memory.store],
    history: memory.history,
    authenticate,
    policies: teamPolicy,
    clock,
    logger: { error: log('error'), info: log('info'), debug: log('debug') },
    newId: () => `c${++ids}`,
    random: () => 0.5,
    ...others,
  })
  const watches = new Set<Watch>()
  const authenticator: Authenticator = {
    ...resolved.authenticator,
    watch() {
      const { refusalOf, end } = resolved.authenticator.watch()
      const watch: Watch = {
        refusalOf,
        end() {
          watches.delete(watch)
          end()
        },
      }
      watches.add(watch)
      return watch
    },
  }
  const core = createRealtimeCore({ ...resolved, authenticator }, createPolicies(resolved), writes)
  memory.sink = core.eventBus

  return {
    ...core,
    clock,
    memory,
    logged,
    get watches() {
      return watches.size
    },
    async connect(token = 'ann@red', handshake = {}) {
      const pair = createSocketPair({ clock })
      const received: Received[] = []
      let taken = 0
      let closed: TestClient['closed'] = null
      pair.client.onmessage = ({ data }) => void received.push(JSON.parse(data as string) as Received)
      pair.client.onclose = ({ code, reason }) => {
        closed = { code, reason }
      }
      const events = core.connections.connect(pair.server, {
        url: '/ws',
        headers: {},
        cookies: new Map(),
        token,
        remoteAddress: '10.0.0.1',
        ...handshake,
      })
      pair.server.attach(events)
      await drainMicrotasks()
      const client: TestClient = {
        pair,
        socket: pair.client,
        id: (events as unknown as { id: string }).id,
        received,
        async take() {
          await drainMicrotasks()
          const fresh = received.slice(taken)
          taken = received.length
          return fresh
        },
        send(message) {
          pair.client.send(typeof message === 'string' ? message : JSON.stringify(message))
        },
        async ask(message) {
          await client.take()
          client.send(message)
          return client.take()
        },
        get closed() {
          return closed
        },
      }
      return client
    },
  }
}

/** The `type` of each message, and of events whether they entered or left. */
export function typesOf(messages: readonly Received[]): string[] {
  return messages.map(({ type, reason }) => (reason === undefined ? type : `${type} ${reason}`))
}
