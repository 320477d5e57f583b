// A refusal of a `subscribe` says `ended` whenever what the client had is over with it, however that came about.
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task } from '../support/entities.ts'
import { createMemoryStore } from '../support/memory-store.ts'
import { createTestServer, type TestClient } from '../support/test-server.ts'

const CHANNEL = 'entity:Task'
const subscribe = (requestId: string, payload: object = {}) => ({
  type: 'subscribe',
  channel: CHANNEL,
  payload,
  requestId,
})
const badQuery = { query: { where: { noSuchField: 1 } } }

/** A server whose rule answers at once, or when it is told to. */
function setting() {
  const rule = { key: 'red', sees: () => true }
  const waiting: ((answer: unknown) => void)[] = []
  const the = { isSlow: false, answer: rule as unknown }
  const ask = () => (the.isSlow ? new Promise((resolve) => waiting.push(resolve)) : the.answer)
  const memory = createMemoryStore({ chunkRows: 1 })
  const server = createTestServer({ memory, policies: policies(allow(Task, ask as never)) })
  const settle = async (client: TestClient) => {
    const frames = []
    while (waiting.length > 0) {
      for (const resolve of waiting.splice(0)) resolve(the.answer)
      frames.push(...(await client.take()))
    }
    return frames
  }
  return { server, memory, the, settle }
}

const ended = (code: string) => ({ type: 'error', payload: { code }, requestId: 'r2', ended: true })

test.each([
  ['forbidden', false, {}],
  ['bad_query', { key: 'red', sees: () => true }, badQuery],
])('asked again while the server asks about what there is: %s', async (code, answer, payload) => {
  const { server, the, settle } = setting()
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe('r1'))
  Object.assign(the, { isSlow: true, answer })
  void server.rightsChanged({ userId: 'ann' })
  await ann.ask(subscribe('r2', payload))
  expect(await settle(ann)).toMatchObject([ended(code)])
  expect(server.channels.subscriptionCount).toBe(0)
})

test.each([
  ['forbidden', false, {}],
  ['bad_query', { key: 'red', sees: () => true }, badQuery],
])('rights change while what was asked again is asked about: %s', async (code, answer, payload) => {
  const { server, the, settle } = setting()
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe('r1'))
  Object.assign(the, { isSlow: true, answer })
  await ann.ask(subscribe('r2', payload))
  void server.rightsChanged({ userId: 'ann' })
  expect(await settle(ann)).toMatchObject([ended(code)])
  expect(server.channels.subscriptionCount).toBe(0)
})

test.each([
  ['forbidden', false, {}],
  ['bad_query', true, badQuery],
])('asked again behind half of a snapshot: %s', async (code, answer, payload) => {
  const { server, memory, the } = setting()
  the.answer = true
  for (const id of ['a', 'b', 'c'])
    memory.write([{ id, row: { title: id, team: 'red', secret: '', due: null } }])
  const ann = await server.connect('ann@red')
  let chunks = 0
  memory.gate = (what) => (what === 'chunk' && ++chunks > 1 ? new Promise(() => {}) : undefined)
  const begun = await ann.ask(subscribe('r1', { snapshot: true }))
  expect(begun).toMatchObject([{ type: 'subscribed' }, { type: 'snapshot', payload: { more: true } }])
  the.answer = answer
  expect(await ann.ask(subscribe('r2', payload))).toMatchObject([ended(code)])
  expect(server.channels.subscriptionCount).toBe(0)
})

test('a request that waits has ended what was live; the one after it says so', async () => {
  const { server, memory, the } = setting()
  the.answer = true
  for (const id of ['a', 'b', 'c'])
    memory.write([{ id, row: { title: id, team: 'red', secret: '', due: null } }])
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe('r0'))
  memory.gate = () => new Promise(() => {})
  await ann.ask(subscribe('r1', { snapshot: true }))
  the.answer = false
  expect(await ann.ask(subscribe('r2'))).toMatchObject([
    { payload: { code: 'cancelled' }, requestId: 'r1' },
    ended('forbidden'),
  ])
})

test('a query that is refused ends nothing that is live', async () => {
  const { server } = setting()
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe('r1'))
  const [refusal] = await ann.ask(subscribe('r2', badQuery))
  expect(refusal).not.toHaveProperty('ended')
  expect(server.channels.subscriptionCount).toBe(1)
})
