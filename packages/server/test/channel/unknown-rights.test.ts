// A rule that throws, rejects or takes too long: what somebody may do is not known, which may pass. Nothing is sent meanwhile, and
// nobody is told that it is forbidden.
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, type Received, type TestServer, typesOf } from '../support/test-server.ts'

type Trouble = 'none' | 'throws' | 'rejects' | 'hangs'

const subscribe = (payload: object = { snapshot: true }, channel = 'entity:Task'): object => ({
  type: 'subscribe',
  channel,
  requestId: 'r1',
  payload,
})

/** A rule whose look-up can be out of order. */
function setting(): { server: TestServer; lookup: { trouble: Trouble } } {
  const lookup = { trouble: 'none' as Trouble }
  const memory = createMemoryStore()
  memory.write([
    { id: 'r1', row: task('red') },
    { id: 'b1', row: task('blue') },
  ])
  const ask = <Answer>(answer: Answer): Answer | Promise<Answer> => {
    if (lookup.trouble === 'throws') throw new Error('MARK: no connection')
    if (lookup.trouble === 'rejects') return Promise.reject(new Error('MARK: no connection'))
    return lookup.trouble === 'hangs' ? new Promise(() => {}) : answer
  }
  const rule = (user: User | null): RowRule<TaskRow> | null =>
    user && { key: user.team, sees: (row) => row.team === user.team }
  const server = createTestServer({
    memory,
    policies: policies(
      allow(Task, (user: User | null) => ask(rule(user))),
      allowChannel('room', () => ask(true)),
    ),
  })
  return { server, lookup }
}

test.each<[Trouble]>([['throws'], ['rejects'], ['hangs']])(
  'a subscribe whose rule %s is answered busy, and asked again it gets the rows',
  async (trouble) => {
    const { server, lookup } = setting()
    const ann = await server.connect('ann@red')
    lookup.trouble = trouble
    await ann.ask(subscribe())
    await server.clock.advance(5_000)
    expect(ann.received.at(-1)).toMatchObject({
      type: 'error',
      channel: 'entity:Task',
      requestId: 'r1',
      payload: { code: 'busy', retryAfterMs: 1_000 },
    })
    expect(JSON.stringify(ann.received)).not.toContain('MARK')
    expect(server.policies.failures).toBe(1)
    await ann.take()
    server.memory.write([{ id: 'r1', row: { title: 'meanwhile' } }])
    expect(await ann.take()).toEqual([])
    lookup.trouble = 'none'
    const [answer] = await ann.ask(subscribe())
    expect(answer).toMatchObject({
      type: 'subscribed',
      payload: { snapshot: { rows: [{ id: 'r1', title: 'meanwhile' }] } },
    })
  },
)

test('while rights are asked about anew, a rule that fails ends the subscription with busy; its client resumes', async () => {
  const { server, lookup } = setting()
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe({ snapshot: true, grant: null }))
  const { position, grant } = (ann.received.at(-1) as Received).payload as { position: object; grant: string }
  lookup.trouble = 'rejects'
  await server.rightsChanged({ channel: 'entity:Task' })
  const [told, ...rest] = await ann.take()
  expect(told).toMatchObject({ type: 'error', channel: 'entity:Task', payload: { code: 'busy' } })
  expect(told).not.toHaveProperty('requestId')
  expect(rest).toEqual([])
  server.memory.write([{ id: 'r1', row: { title: 'MARK' } }])
  expect(await ann.take()).toEqual([])
  expect(server.channels.subscriptionCount).toBe(0)
  lookup.trouble = 'none'
  expect(typesOf(await ann.ask(subscribe({ snapshot: true, position, grant })))).toEqual(['subscribed'])
})

test('what replaces a subscription and cannot be authorised ends it, too', async () => {
  const { server, lookup } = setting()
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe())
  lookup.trouble = 'throws'
  expect((await ann.ask(subscribe()))[0]?.payload.code).toBe('busy')
  server.memory.write([{ id: 'r1', row: { title: 'MARK' } }])
  expect(await ann.take()).toEqual([])
})

test('a message to a room whose rule fails is busy, and nobody hears it', async () => {
  const { server, lookup } = setting()
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  await bob.ask(subscribe({}, 'room:lobby'))
  lookup.trouble = 'rejects'
  const [answer] = await ann.ask({
    type: 'message',
    channel: 'room:lobby',
    payload: 'hello',
    requestId: 'r2',
  })
  expect(answer).toMatchObject({ type: 'error', requestId: 'r2', payload: { code: 'busy' } })
  expect(await bob.take()).toEqual([])
})

test('a rule that answers nonsense is forbidden: waiting does not mend it', async () => {
  const server = createTestServer({
    policies: policies(allow(Task, () => 'yes' as unknown as boolean)),
  })
  const ann = await server.connect('ann@red')
  expect((await ann.ask(subscribe()))[0]?.payload.code).toBe('forbidden')
  expect(server.policies.failures).toBe(1)
})

test('explain says that a rule failed', async () => {
  const { server, lookup } = setting()
  lookup.trouble = 'throws'
  const { isAllowed, lines } = await server.explain({ id: 'ann' }, 'entity:Task', 1)
  expect(isAllowed).toBe(false)
  expect(lines.join()).toContain('The rule failed or took too long')
})
