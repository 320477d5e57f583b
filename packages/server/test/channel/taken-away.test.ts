// A rule that reads more than the row hides a row that it showed. When the row changes those who are live are told that it has gone,
// although the log, by today's rule, has nothing to say of it; who reads the log then gets the rows anew.
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'
import { gate } from '../support/gate.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, type Received, type TestClient, typesOf } from '../support/test-server.ts'

const subscribe = (payload: object): object => ({ type: 'subscribe', channel: 'entity:Task', payload })

/** Somebody is live, and somebody else has gone with the rows `a` and `b`; then `b` changes. */
async function setting({ maxPerSecond = null }: { maxPerSecond?: number | null } = {}) {
  const memory = createMemoryStore()
  const hidden = new Set<string>()
  const rule = { key: 'k', sees: ({ id }: { readonly id: string }) => !hidden.has(id) }
  const server = createTestServer({
    memory,
    limits: { maxChannelChangesPerSecond: maxPerSecond },
    policies: policies(allow(Task, (user: User | null) => user && rule)),
  })
  for (const id of ['a', 'b']) memory.write([{ id, row: task('red') }])
  const live = await server.connect('bob@red')
  await live.ask(subscribe({ snapshot: true }))
  const away = await server.connect()
  const [first] = await away.ask(subscribe({ snapshot: true, grant: null }))
  away.pair.cut()
  const { position, grant } = first?.payload ?? {}
  memory.write([{ id: 'b', row: task('red', 'changed') }])
  await live.take()
  const back = await server.connect()
  const comeBack = (had: object = { position, grant }): object => subscribe({ snapshot: true, ...had })
  return { memory, server, hidden, live, back, comeBack }
}

/** The rows anew, or a request for them that the position of before does not answer. */
async function hasRowsWithout(client: TestClient, heard: readonly Received[], id: string): Promise<boolean> {
  const grants = heard.flatMap(({ payload }) => payload?.grant ?? [])
  const isSentAway = typesOf(heard).at(-1) === 'unsubscribed'
  const position = heard.findLast((message) => message.position !== undefined)?.position
  const answers = isSentAway
    ? await client.ask(subscribe({ snapshot: true, position, grant: grants.at(-1) }))
    : heard
  const rows = answers.findLast(({ payload }) => payload?.snapshot !== undefined)?.payload.snapshot.rows
  return rows !== undefined && !rows.some((row: { readonly id: string }) => row.id === id)
}

test('who is live is told that it has gone', async () => {
  const { memory, hidden, live } = await setting()
  hidden.add('a')
  memory.write([{ id: 'a', row: task('red', 'hidden') }])
  expect(typesOf(await live.take())).toEqual(['entity:deleted left'])
})

test('who has read the change ahead of the bus gets the rows anew when the others are told', async () => {
  const { memory, hidden, live, back, comeBack } = await setting()
  hidden.add('a')
  memory.write([{ id: 'a', row: task('red', 'hidden') }], { publish: false })
  const answers = await back.ask(comeBack())
  expect(answers[0]?.payload).toMatchObject({ recovered: true })
  memory.publishRest()
  expect(typesOf(await live.take())).toEqual(['entity:deleted left'])
  expect(await hasRowsWithout(back, [...answers, ...(await back.take())], 'a')).toBe(true)
})

test('so does who has read the first of two such changes that are told together', async () => {
  const { memory, server, hidden, live, back, comeBack } = await setting({ maxPerSecond: 1 })
  hidden.add('a').add('b')
  memory.write([{ id: 'a', row: task('red', 'hidden') }], { publish: false })
  const answers = await back.ask(comeBack())
  memory.publishRest()
  memory.write([{ id: 'b', row: task('red', 'hidden') }])
  await server.clock.advance(1_000)
  expect(typesOf(await live.take())).toEqual(['entity:deleted left', 'entity:deleted left'])
  expect(await hasRowsWithout(back, [...answers, ...(await back.take())], 'a')).toBe(true)
})

test.each(['history', 'history read'] as const)(
  'who reads the log while the others are told gets the rows anew (%s)',
  async (place) => {
    const { memory, hidden, back, comeBack } = await setting()
    hidden.add('a')
    memory.write([{ id: 'a', row: task('red', 'hidden') }], { publish: false })
    const read = gate(memory, place)
    back.send(comeBack())
    await read.reached
    memory.publishRest()
    read.open()
    expect(await hasRowsWithout(back, await back.take(), 'a')).toBe(true)
  },
)

test('who comes back from before it gets the rows anew, and resumes from behind it', async () => {
  const { memory, server, hidden, back, comeBack } = await setting()
  hidden.add('a')
  memory.write([{ id: 'a', row: task('red', 'hidden') }])
  const answers = await back.ask(comeBack())
  expect(await hasRowsWithout(back, answers, 'a')).toBe(true)
  back.pair.cut()
  memory.write([{ id: 'b', row: task('red', 'once more') }])
  const again = await server.connect()
  const { position, grant } = answers[0]?.payload ?? {}
  expect(typesOf(await again.ask(comeBack({ position, grant })))).toEqual(['subscribed', 'entity:updated'])
})

test('of a row that was deleted before the rule hid it the log says nothing: who comes back loses it when rights are said to change', async () => {
  const { memory, server, hidden, live, back, comeBack } = await setting()
  const [first] = await back.ask(comeBack())
  back.pair.cut()
  const had = { position: memory.position(), grant: first?.payload.grant }
  memory.write([{ id: 'a', row: null }])
  expect(typesOf(await live.take())).toEqual(['entity:deleted'])
  hidden.add('a')
  const again = await server.connect()
  const answers = await again.ask(comeBack(had))
  expect(answers[0]?.payload).toMatchObject({ recovered: true })
  await server.rightsChanged({ key: 'k' })
  expect(await hasRowsWithout(again, [...answers, ...(await again.take())], 'a')).toBe(true)
})
