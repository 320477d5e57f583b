// Writes under way while the session of their author is renewed, or ends: what counts is the session of the moment.
import { createDeferred } from '@dnr/internal'
import { drainMicrotasks } from '@dnr/testing'
import { describe, expect, test } from 'vitest'
import { createWriteService } from '../../src/writes/write-service.ts'
import { createTestServer, type TestClient, type TestServer, typesOf } from '../support/test-server.ts'
import { evaluator, Task, task, teamRule, type User } from '../writes/fixtures.ts'
import { createMemoryStore, type MemoryStore } from '../writes/memory-store.ts'

interface Setting {
  readonly server: TestServer
  readonly client: TestClient
  readonly store: MemoryStore
  /** Lets rule or store go on. */
  letGo(): void
  /** From now on nobody may anything. */
  forbid(): void
  /** Ann signs in anew, as a member of another team. */
  move(team: string): Promise<void>
}

/** Ann of the red team, whose writes wait for the rule, or for the store once they are stored. */
async function waitingFor(what: 'rule' | 'store', endsAfterMs?: number): Promise<Setting> {
  const held = createDeferred()
  const memory = createMemoryStore(Task, [task('t1')])
  const store: MemoryStore = {
    ...memory,
    async mutate(...asked) {
      const result = await memory.mutate(...asked)
      if (what === 'store') await held.promise
      return result
    },
  }
  let isForbidden = false
  const rules = evaluator(async (user) => {
    if (what === 'rule') await held.promise
    return isForbidden ? null : teamRule(user)
  })
  const policies = {
    grant: (...asked: Parameters<typeof rules.grant>) => rules.grant(...asked),
    get generation() {
      return server.policies.generation
    },
  }
  const server: TestServer = createTestServer({
    writes: createWriteService({ stores: [store], policies }),
    authenticate({ token }): User | null {
      const [id = '', team = ''] = (token ?? '').split('@')
      const end = endsAfterMs === undefined ? {} : { expiresAt: server.clock.now() + endsAfterMs }
      return id === '' ? null : { id, team, ...end }
    },
  })
  const client = await server.connect('ann@red')
  await client.take()
  return {
    server,
    client,
    store,
    letGo: () => held.resolve(),
    forbid: () => void (isForbidden = true),
    async move(team) {
      expect(typesOf(await client.ask({ type: 'auth', payload: { token: `ann@${team}` } }))).toEqual([
        'authenticated',
      ])
    },
  }
}

async function update({ client }: Setting): Promise<void> {
  const payload = {
    operation: 'update',
    entity: 'Task',
    mutationId: 'm1',
    id: 't1',
    fields: { title: 'written' },
  }
  client.send({ type: 'mutate', requestId: 'w', payload })
  await drainMicrotasks()
}

const titleOf = ({ store }: Setting): unknown => store.rows.get('t1')?.['title']

test('a write whose rule is asked while its author signs in anew is judged by the rights of today', async () => {
  const setting = await waitingFor('rule')
  await update(setting)
  await setting.move('blue')
  setting.letGo()
  expect(await setting.client.take()).toMatchObject([
    { type: 'error', requestId: 'w', payload: { code: 'not_found' } },
  ])
  expect(titleOf(setting)).toBe('Task t1')
})

test('a write that is stored while its author signs in anew is acknowledged, without a row of another team', async () => {
  const setting = await waitingFor('store')
  await update(setting)
  await setting.move('blue')
  setting.letGo()
  const [answer] = await setting.client.take()
  expect(answer).toMatchObject({ type: 'mutated', requestId: 'w' })
  expect(answer?.payload).toEqual({ mutationId: 'm1' })
})

/** What happens so many microtasks after the store has answered, and what the others are told of it. */
const turns: readonly (readonly [string, string, (setting: Setting) => void])[] = [
  [
    'an author that is signed in anew',
    'authenticated',
    ({ client, server: { connections } }) => {
      const connection = connections.find(client.id)
      if (connection !== undefined) connections.authenticate(connection, 'ann@blue', undefined)
    },
  ],
  [
    'an author whose rights are said to have changed',
    'changed',
    ({ server, forbid }) => {
      forbid()
      void server.rightsChanged({ userId: 'ann' })
      server.connections.sendToUser('ann', { type: 'changed' })
    },
  ],
]

describe.each(turns)('%s is shown no row from then on', (_, sign, turn) => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('%i microtasks after the answer', async (ticks) => {
    const setting = await waitingFor('store')
    await update(setting)
    setting.letGo()
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
    turn(setting)
    const answers = await setting.client.take()
    const place = (type: string): number => answers.findIndex((answer) => answer.type === type)
    expect(answers).toHaveLength(2)
    const isShown = answers[place('mutated')]?.payload.row !== undefined
    if (isShown) expect(place('mutated')).toBeLessThan(place(sign))
  })
})

test('a write whose author signs in anew with the same rights is answered like every other', async () => {
  const setting = await waitingFor('rule')
  await update(setting)
  await setting.move('red')
  setting.letGo()
  expect(await setting.client.take()).toMatchObject([{ type: 'mutated', payload: { row: { id: 't1' } } }])
})

test('a write whose author is signed out while its rule is asked is not written', async () => {
  const setting = await waitingFor('rule')
  await update(setting)
  expect(setting.server.connections.disconnectUser('ann')).toBe(1)
  setting.letGo()
  await drainMicrotasks()
  expect(setting.client.closed).toMatchObject({ reason: 'token_revoked' })
  expect(titleOf(setting)).toBe('Task t1')
})

test('nor is it when the device alone is signed out', async () => {
  const setting = await waitingFor('rule')
  await update(setting)
  setting.server.connections.disconnect(setting.client.id, 4401, 'token_revoked')
  setting.letGo()
  await drainMicrotasks()
  expect(titleOf(setting)).toBe('Task t1')
})

test('nor when the author is signed out after the connection was lost', async () => {
  const setting = await waitingFor('rule')
  await update(setting)
  setting.client.pair.cut()
  await drainMicrotasks()
  setting.server.connections.disconnectUser('ann')
  setting.letGo()
  await drainMicrotasks()
  expect(titleOf(setting)).toBe('Task t1')
})

test('nor when the session ends while the rule is asked', async () => {
  const setting = await waitingFor('rule', 60_000)
  await update(setting)
  await setting.server.clock.advance(60_000)
  setting.letGo()
  await drainMicrotasks()
  expect(setting.client.closed).toMatchObject({ reason: 'token_expired' })
  expect(titleOf(setting)).toBe('Task t1')
})

test('what was written before the connection was lost is written, also when the rule answers later', async () => {
  const setting = await waitingFor('rule')
  await update(setting)
  setting.client.pair.cut()
  await drainMicrotasks()
  setting.letGo()
  await drainMicrotasks()
  expect(titleOf(setting)).toBe('written')
})
