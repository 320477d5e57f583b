// What the log is told of a no; the client is told the same in every case.
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'
import { createTestServer, type TestServer } from '../support/test-server.ts'

const redAlone = policies(
  allow(Task, (user: User | null) => user?.team === 'red'),
  allowChannel('presence', (user: User, resource) => resource === `board/${user.team}`),
)

function refusals({ logged }: TestServer): unknown[] {
  return logged.filter(({ message }) => message.startsWith('A channel was refused.'))
}

test.each([
  ['entity:Task', 'allow(Task, …)', 'allow(Task, …) says no to bob.'],
  ['entity:Task:1', 'allow(Task, …)', 'allow(Task, …) says no to bob.'],
  ['entity:Nothing', 'policies(…)', 'There is no such entity on this server.'],
  ['presence:board/red', "allowChannel('presence', …)", "allowChannel('presence', …) says no to bob."],
  ['room:lobby', "allowChannel('room', …)", "There is no allowChannel('room', …) in policies(…)."],
  ['user:ann', 'user:{userId}', 'A user channel is for its own user alone, whatever a rule says.'],
])('a refused subscribe to %s says who, and which rule', async (channel, rule, sentence) => {
  const server = createTestServer({ policies: redAlone })
  const bob = await server.connect('bob@blue')
  const [refused] = await bob.ask({ type: 'subscribe', channel })
  expect(refused?.payload).toEqual({
    code: 'forbidden',
    message: 'This channel does not exist, or you may not hear it.',
  })
  expect(refusals(server)).toEqual([
    {
      level: 'info',
      message: `A channel was refused. ${sentence}`,
      details: { userId: 'bob', rule },
    },
  ])
})

test('an entity that has rows and no rule is named as such', async () => {
  const server = createTestServer({ policies: policies() })
  const bob = await server.connect('bob@blue')
  await bob.ask({ type: 'subscribe', channel: 'entity:Task' })
  expect(refusals(server)).toMatchObject([
    { message: 'A channel was refused. There is no allow(Task, …) in policies(…).' },
  ])
})

test('a word in a room that one may not enter is refused, and said, too', async () => {
  const server = createTestServer({ policies: redAlone })
  const bob = await server.connect('bob@blue')
  await bob.ask({ type: 'message', channel: 'room:lobby', payload: 1 })
  expect(refusals(server)).toHaveLength(1)
})

test('the first no of each rule is said at level info, later ones at debug', async () => {
  const server = createTestServer({ policies: redAlone })
  const bob = await server.connect('bob@blue')
  for (const channel of ['room:a', 'room:b', 'presence:board/red', 'entity:A', 'entity:B'])
    await bob.ask({ type: 'subscribe', channel })
  const levels = server.logged.map(({ level }) => level)
  expect(levels).toEqual(['info', 'debug', 'info', 'info', 'debug'])
})

test('who is let in, and who only asks why, is not in the log', async () => {
  const server = createTestServer({ policies: redAlone })
  const ann = await server.connect('ann@red')
  for (const channel of ['entity:Task', 'presence:board/red', 'user:ann'])
    await ann.ask({ type: 'subscribe', channel })
  await server.explain({ id: 'ann' }, 'room:lobby')
  expect(server.logged).toEqual([])
})
