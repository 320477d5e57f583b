// Rows with the dates and bigints of their schema, there and back, whatever carries the writes.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRealtimeClient, decodeRows } from '@dnr/client'
import { createOptimisticManager, httpMutations } from '@dnr/optimistic'
import { defineEntity } from '@dnr/protocol'
import { createRealtimeRepository, openDatabase } from '@dnr/repository'
import { allow, createRealtimeServer, policies } from '@dnr/server'
import { toNodeListener } from '@dnr/server/node'
import { attachWebSockets } from '@dnr/server/ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { until } from '../src/until.ts'

const Counter = defineEntity('Counter', z.object({ id: z.string(), count: z.bigint(), at: z.date() }))

async function setUp(carrier: string) {
  const database = openDatabase({ path: ':memory:' })
  const repository = createRealtimeRepository({ database, entity: Counter })
  await database.migrate([repository])
  const realtime = createRealtimeServer({
    repositories: [repository],
    history: database.changeLog,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    policies: policies(allow(Counter, () => true)),
  })
  const relay = database.startRelay(realtime.eventBus)
  const listener = toNodeListener(realtime.http)
  const http = createServer((request, response) => void listener(request, response))
  attachWebSockets(realtime, http, { path: '/ws' })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  const rows = decodeRows({ Counter })
  const getToken = (): string => 'alice'
  const client = createRealtimeClient({
    url: `ws://${host}/ws`,
    getToken,
    rows,
    createSocket: (address, protocols) => new WebSocket(address, protocols),
  })
  const transport = carrier === 'HTTP' ? httpMutations({ url: `http://${host}/api`, getToken, rows }) : client
  const optimistic = createOptimisticManager({ transport })
  return {
    repository,
    client,
    counters: optimistic.collection(client.collection('Counter')),
    async [Symbol.asyncDispose]() {
      optimistic.close()
      client.close()
      await relay.stop()
      await realtime.close()
      http.closeAllConnections()
      http.close()
      await database.close()
    },
  }
}

const BIG = 9_007_199_254_740_993n

test.each(['socket', 'HTTP'])(
  'dates and bigints are written, shown, and merged after a conflict as what they are, over %s',
  async (carrier) => {
    await using t = await setUp(carrier)
    const { client, counters, repository } = t
    await until(counters.status, (status) => status === 'live')
    const created = counters.create({ id: 'c', count: BIG, at: new Date(1) })
    expect(await created.acked).toEqual({ id: 'c', version: 1, count: BIG, at: new Date(1) })
    await created.synced
    client.disconnect()
    await until(client.connected, (connected) => !connected)
    await repository.update('c', { count: BIG + 10n, at: new Date(2) })
    const types = new Set<string>()
    counters.rows.subscribe(([row]) => types.add(`${typeof row?.count} ${row?.at instanceof Date}`))
    const counted = counters.update('c', ({ count, at }) => ({
      count: count + 1n,
      at: new Date(at.getTime() + 5),
    }))
    client.connect()
    expect(await counted.acked).toEqual({ id: 'c', version: 3, count: BIG + 11n, at: new Date(7) })
    await counted.synced
    expect([...types]).toEqual(['bigint true'])
    expect(await repository.get('c')).toEqual({ id: 'c', version: 3, count: BIG + 11n, at: new Date(7) })
  },
)

test('a date that is none disturbs no other row, and is refused', async () => {
  await using t = await setUp('socket')
  const { counters } = t
  await until(counters.status, (status) => status === 'live')
  await counters.create({ id: 'c', count: 1n, at: new Date(1) }).synced
  const refused = counters.create({ id: 'd', count: 1n, at: new Date(Number.NaN) })
  expect(counters.rows.value.map(({ id }) => id)).toEqual(['c', 'd'])
  await expect(refused.acked).rejects.toMatchObject({ code: 'bad_field' })
  expect(counters.rows.value.map(({ id }) => id)).toEqual(['c'])
})
