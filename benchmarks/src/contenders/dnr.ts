import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Change, Position } from '@dnr/protocol'
import { allow, createRealtimeServer, policies, type RealtimeServerOptions } from '@dnr/server'
import { attachWebSockets } from '@dnr/server/ws'
import type { Contender } from './contender.ts'
import { Item, itemRow } from './item.ts'

export interface DnrOptions extends Pick<RealtimeServerOptions, 'repositories' | 'history'> {
  /** How many keys the policy has; `null`: none, so that everybody's rule is asked by itself. @default 1: everybody shares one */
  readonly groups?: number | null
}

/** The whole server as a user would set it up: tokens, a policy over rows, channels. */
export async function startDnr({ groups = 1, ...options }: DnrOptions) {
  const realtime = createRealtimeServer({
    ...options,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
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
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  return {
    realtime,
    port: (http.address() as AddressInfo).port,
    close: async () => {
      await realtime.close()
      http.closeAllConnections()
    },
  }
}

/** Changes go straight into the event bus, one transaction each: what the fan-out alone costs. */
export async function startDnrEventBus(options: DnrOptions = {}): Promise<Contender> {
  const { realtime, port, close } = await startDnr(options)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        realtime.eventBus.publish([changeOf(++n, { epoch: 'V1StGXR8_Z5jdHi6B-myT', offset: n })])
      }
    },
    close,
  }
}

function changeOf(n: number, position: Position): Change {
  const [before, after] = [{ ...itemRow(n - 1) }, { ...itemRow(n) }]
  return {
    entity: Item.name,
    id: after.id,
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
