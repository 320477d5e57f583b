import { createRealtimeClient, type RealtimeClient, type RealtimeClientOptions } from '@dnr/client'
import type { AnyEntity } from '@dnr/protocol'
import { createManualClock, drainMicrotasks, type ManualClock } from '@dnr/testing'
import type { Environment, EnvironmentEvent } from '@dnr/client'
import { createFakeServer, type FakeServer } from './fake-server.ts'

export type Entities = { readonly Task: AnyEntity; readonly Note: AnyEntity }

export interface Setup extends AsyncDisposable {
  readonly clock: ManualClock
  readonly server: FakeServer
  readonly client: RealtimeClient<Entities>
  /** What the page is told; and how many listen. */
  readonly page: { tell(event: EnvironmentEvent): void; readonly listeners: number }
  readonly errors: unknown[]
}

/** A client, its server, and a clock that stands still. The client is connected when this resolves, unless told otherwise. */
export async function setUp(
  options: Partial<RealtimeClientOptions> & {
    readonly chunkRows?: number
    readonly before?: (server: FakeServer) => void
  } = {},
): Promise<Setup> {
  const { chunkRows, before, ...rest } = options
  const clock = createManualClock()
  const server = createFakeServer(clock, chunkRows === undefined ? {} : { chunkRows })
  before?.(server)
  const listeners = new Set<(event: EnvironmentEvent) => void>()
  const environment: Environment = {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const client = createRealtimeClient<Entities>({
    url: 'ws://test/ws',
    clock,
    random: () => 0.5,
    createSocket: server.createSocket,
    environment,
    ...rest,
  })
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  await drainMicrotasks()
  return {
    clock,
    server,
    client,
    errors,
    page: {
      tell: (event) => listeners.forEach((listener) => listener(event)),
      get listeners() {
        return listeners.size
      },
    },
    async [Symbol.asyncDispose]() {
      client.close()
      await drainMicrotasks()
    },
  }
}

/** Cuts the connection, and comes back at once. */
export async function reconnect(t: Setup): Promise<void> {
  t.server.peer.pair.cut()
  await drainMicrotasks()
  t.client.retryNow()
  await drainMicrotasks()
}

export { drainMicrotasks as settle }
