import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'
import { task } from '../support/memory-store.ts'
import { createTestServer } from '../support/test-server.ts'

const ann: User = { id: 'ann', team: 'red' }

const hidesSecrets = policies(
  allow(
    Task,
    (user: User | null) =>
      user && {
        key: user.team,
        sees: (row) => row.team === user.team,
        fields: ['title', 'team', 'due'],
      },
  ),
)

test('a change that was sent: to which connection, as what, without which fields', async () => {
  const server = createTestServer({ policies: hidesSecrets })
  server.memory.write([{ id: 'a', row: task('red') }])
  server.memory.write([{ id: 'a', row: { team: 'blue' } }])
  const client = await server.connect('ann@red')
  await client.ask({ type: 'subscribe', channel: 'entity:Task' })
  const answer = await server.explain(ann, 'entity:Task', 2)
  expect(answer).toMatchObject({
    isAllowed: true,
    sees: { before: true, after: false },
    outcome: 'left',
    group: '+red',
    hiddenFields: ['id', 'secret'].slice(1),
    subscriptions: [{ connectionId: client.id, state: 'live', outcome: 'left' }],
  })
  expect(answer.lines.join('\n')).toContain('Before it: seen; after it: hidden. So it is left to this user.')
})

test('a filter of the subscription counts, too', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red', 'x') }])
  const client = await server.connect('ann@red')
  const payload = { query: { where: { title: 'y' } }, subscription: 'mine' }
  await client.ask({ type: 'subscribe', channel: 'entity:Task', payload })
  const { outcome, subscriptions } = await server.explain(ann, 'entity:Task', 1)
  expect([outcome, subscriptions[0]?.outcome]).toEqual(['created', null])
})

test.each([
  ['nobody who is connected', 'entity:Task', 'ann is not connected'],
  ['no such entity', 'entity:Nothing', 'There is no such entity on this server.'],
  ['nothing by a rule', 'presence:board/blue', "allowChannel('presence', …) says no to ann."],
  ['no rule', 'room:lobby', "There is no allowChannel('room', …) in policies(…)."],
  ['no channel', 'entity:', 'is no channel'],
  ["somebody else's", 'user:bob', 'A user channel is for its own user alone, whatever a rule says.'],
])('%s', async (_case, channel, words) => {
  const server = createTestServer({ policies: policies(allowChannel('presence', () => false)) })
  const answer = await server.explain(ann, channel)
  expect(answer.lines.join('\n')).toContain(words)
  expect(answer.outcome).toBeNull()
})

test('a change that the log does not have', async () => {
  const server = createTestServer()
  const answer = await server.explain(ann, 'entity:Task', 7)
  expect(answer.lines.at(-1)).toContain('not in the log')
})
