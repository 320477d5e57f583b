import { createServer } from 'node:http'
import type { Change, Position } from '@dnr/protocol'
import { allow, createRealtimeServer, policies, type RealtimeServerOptions } from '@dnr/server'
import { attachWebSockets } from '@dnr/server/ws'
import type { Contender } from './contender.ts'
import { Item, ITEM_ID, itemRow } from './item.ts'
import { listenOnFreePort } from './listen-on-free-port.ts'

export interface DnrOptions extends Pick<RealtimeServerOptions, 'repositories' | 'history'> {
  /** How many keys the policy has; `null`: none, so that everybody's rule is asked by itself. @default 1: everybody shares one */
  readonly groups?: number | null
}

export interface DnrEventBusOptions extends Pick<DnrOptions, 'groups'> {
  /** Whose the `n`th change is. @default always the same row */
  readonly idOf?: (n: number) => string
}

/** The whole server as a user would set it up: tokens, a policy over rows, channels. */
export async function startDnr({ groups = 1, ...options }: DnrOptions) {
  const realtime = createRealtimeServer({
    ...options,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    limits: { maxConnectionsPerAddress: null }, // everybody comes from this machine
    policies: policies(
      allow(
        Item,
        (user) =>
          user && {
            ...(groups !== null && { key: `group${Number(user.id.slice('user'.length)) % groups}` }),
            sees: (item) => item.team === 'red',
          },
      ),
    ),
  })
  const http = createServer()
  attachWebSockets(realtime, http, { path: '/ws' })
  const port = await listenOnFreePort(http)
  return {
    realtime,
    port,
    close: async () => {
      await realtime.close()
      http.closeAllConnections()
    },
  }
}

/** Changes go straight into the event bus, one transaction each: what the fan-out alone costs. */
export async function startDnrEventBus({
  idOf = () => ITEM_ID,
  ...options
}: DnrEventBusOptions = {}): Promise<Contender> {
  const { realtime, port, close } = await startDnr(options)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        const id = idOf(++n)
        realtime.eventBus.publish([changeOf(n, id, { epoch: 'V1StGXR8_Z5jdHi6B-myT', offset: n })])
      }
    },
    close,
  }
}

function changeOf(n: number, id: string, position: Position): Change {
  const [before, after] = [{ ...itemRow(n - 1, id) }, { ...itemRow(n, id) }]
  return {
    entity: Item.name,
    id,
    operation: 'updated',
    version: after.version,
    before,
    after,
    mutationId: null,
    actor: null,
    at: 0,
    position,
    transaction: position.offset,
    last: true,
  }
}
