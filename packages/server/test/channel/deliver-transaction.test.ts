import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'
import { task } from '../support/memory-store.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

/** Only those of the red team see the field that cannot be encoded. */
const hiding = policies(
  allow(
    Task,
    (user: User | null) =>
      user && {
        key: user.team,
        sees: () => true,
        fields: user.team === 'red' ? ['title', 'secret'] : ['title'],
      },
  ),
)
const UNENCODABLE = 1n as unknown as string

for (const count of [1, 2]) {
  test(`a group that cannot be told of a transaction of ${count} is sent away to ask anew, and the others get it`, async () => {
    const server = createTestServer({ policies: hiding })
    const [red, blue] = [await server.connect('ann@red'), await server.connect('bob@blue')]
    for (const client of [red, blue])
      await client.ask({ type: 'subscribe', channel: 'entity:Task', payload: { subscription: 'k' } })
    const broken = { id: 'a', row: { ...task('red'), secret: UNENCODABLE } }
    server.memory.write([...(count === 2 ? [{ id: 'b', row: task('red') }] : []), broken])
    expect(await red.take()).toEqual([
      { type: 'unsubscribed', channel: 'entity:Task', subscription: 'k', timestamp: server.clock.now() },
    ])
    expect(await blue.take()).toHaveLength(count)
    expect(server.delivery.failures).toBe(1)
    expect(server.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
    server.memory.write([{ id: 'a', row: { secret: 'fine' } }])
    expect(typesOf(await red.take())).toEqual([])
    expect(typesOf(await blue.take())).toEqual(['entity:updated'])
  })
}

test('what cannot be told and is in no log ends nothing', async () => {
  const server = createTestServer({ policies: hiding })
  const red = await server.connect('ann@red')
  await red.ask({ type: 'subscribe', channel: 'entity:Task' })
  server.eventBus.emitCreated('Task', { id: 'a', ...task('red'), secret: UNENCODABLE })
  server.memory.write([{ id: 'b', row: task('red') }])
  expect(typesOf(await red.take())).toEqual(['entity:created'])
  expect(server.delivery.failures).toBe(1)
})

test('who still reads when a group could not be told reads further, and learns that the rows cannot be had', async () => {
  const server = createTestServer({ policies: hiding })
  server.memory.write([{ id: 'b', row: task('red') }])
  const { promise, resolve } = Promise.withResolvers<void>()
  server.memory.gate = () => promise
  const red = await server.connect('ann@red')
  const position = { epoch: 'e1', offset: 0 }
  red.send({ type: 'subscribe', channel: 'entity:Task', requestId: 'r', payload: { position } })
  await red.take()
  server.memory.gate = null
  server.memory.write([{ id: 'a', row: { ...task('red'), secret: UNENCODABLE } }])
  resolve()
  await server.clock.advance(50)
  expect((await red.take()).at(-1)).toMatchObject({ type: 'error', requestId: 'r' })
})
