import { describe, expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow, type Rule } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { task } from '../support/memory-store.ts'
import { createTestServer, type Received, type TestServer } from '../support/test-server.ts'

const subscribe = { type: 'subscribe', channel: 'entity:Task' }
const linesOf = (messages: readonly Received[]): string[] =>
  messages.map(
    ({ type, payload, position, conflated, reason, more }) =>
      `${type} ${payload.id} v${payload.version} @${position.offset}` +
      `${conflated === undefined ? '' : ` ×${conflated}`}${reason === undefined ? '' : ` ${reason}`}${more === true ? ' +' : ''}`,
  )

/** Uses up a channel's allowance of three changes. */
function fill({ memory }: TestServer): void {
  for (let count = 0; count < 3; count++) memory.write([{ id: 'filler', row: task('red', `${count}`) }])
}

async function setUp() {
  const server = createTestServer({ limits: { maxChannelChangesPerSecond: 3 } })
  const [red, blue] = [await server.connect('ann@red'), await server.connect('bob@blue')]
  for (const client of [red, blue]) await client.ask(subscribe)
  return { server, red, blue }
}

test('within the limit every change is told as it is', async () => {
  const { server, red } = await setUp()
  fill(server)
  expect(linesOf(await red.take())).toHaveLength(3)
})

test('above the limit each record is told once, at the end of the window, from its first image to its last', async () => {
  const { server, red, blue } = await setUp()
  fill(server)
  await red.take()
  server.memory.write([{ id: 'a', row: task('red') }])
  server.memory.write([
    { id: 'b', row: task('red') },
    { id: 'a', row: { title: 'y' } },
  ])
  server.memory.write([{ id: 'filler', row: { team: 'blue' } }])
  await server.clock.advance(49)
  expect(await red.take()).toEqual([])
  await server.clock.advance(1)
  expect(linesOf(await red.take())).toEqual([
    'entity:created b v1 @5 +',
    'entity:created a v2 @6 ×2 +',
    'entity:deleted filler vundefined @7 left',
  ])
  expect(linesOf(await blue.take())).toEqual(['entity:created filler v4 @7 entered'])
})

test('a row that came and went within a window is told as gone, for those who read the log in between', async () => {
  const { server, red, blue } = await setUp()
  fill(server)
  await red.take()
  server.memory.write([{ id: 'a', row: task('red') }])
  server.memory.write([{ id: 'a', row: null }])
  await server.clock.advance(50)
  expect(linesOf(await red.take())).toEqual(['entity:deleted a v2 @5 ×2'])
  expect(await blue.take()).toEqual([])
})

test('a row whose id is used for another one within a window, whose versions begin anew, is told as gone before that', async () => {
  const { server, red } = await setUp()
  const { memory } = server
  memory.write([{ id: 'a', row: task('red') }])
  await server.clock.advance(2_000)
  fill(server)
  await red.take()
  memory.write([{ id: 'a', row: null }])
  memory.write([{ id: 'b', row: task('red') }])
  memory.forgetVersion('a')
  memory.write([{ id: 'a', row: task('red', 'another') }])
  await server.clock.advance(50)
  const heard = await red.take()
  expect(linesOf(heard)).toEqual([
    'entity:deleted a v2 @5 +',
    'entity:created b v1 @6 +',
    'entity:created a v1 @7',
  ])
})

test('who comes in the middle of a window finds nothing held back', async () => {
  const { server, red } = await setUp()
  fill(server)
  await red.take()
  server.memory.write([{ id: 'a', row: task('red') }])
  const late = await server.connect('cid@red')
  const answer = await late.ask(subscribe)
  expect(answer.at(-1)?.payload.position.offset).toBe(4)
  expect(linesOf(await red.take())).toEqual(['entity:created a v1 @4'])
  await server.clock.advance(50)
  expect(await late.take()).toEqual([])
})

test('while something is held back, a pong says nothing of where the log stands', async () => {
  const { server, red } = await setUp()
  fill(server)
  server.memory.write([{ id: 'a', row: task('red') }])
  expect((await red.ask({ type: 'ping' })).at(-1)).not.toHaveProperty('position')
  await server.clock.advance(50)
  expect((await red.ask({ type: 'ping' })).at(-1)).toMatchObject({ position: { offset: 4 } })
})

test('a channel of one row has a limit of its own', async () => {
  const { server, red } = await setUp()
  await red.ask({ ...subscribe, channel: 'entity:Task:a' })
  fill(server)
  await red.take()
  server.memory.write([{ id: 'a', row: task('red') }])
  expect((await red.take()).map(({ channel }) => channel)).toEqual(['entity:Task:a'])
})

test('a channel that comes within its limit again tells change by change', async () => {
  const { server, red } = await setUp()
  fill(server)
  server.memory.write([{ id: 'a', row: task('red') }])
  await server.clock.advance(2_000)
  await red.take()
  server.memory.write([{ id: 'a', row: { title: 'y' } }])
  expect(linesOf(await red.take())).toEqual(['entity:updated a v2 @5'])
})

test('what is emitted beside the log takes part, and a row that ends with it has no position', async () => {
  const { server, red } = await setUp()
  fill(server)
  await red.take()
  server.memory.write([{ id: 'a', row: task('red') }])
  server.eventBus.emitUpdated('Task', 'a', { id: 'a', ...task('red', 'told'), version: 1 })
  await server.clock.advance(50)
  const [event] = await red.take()
  expect(event).toMatchObject({ type: 'entity:created', payload: { title: 'told' }, conflated: 2 })
  expect(event).not.toHaveProperty('position')
})

describe.each<
  [string, (teamOf: (user: User) => string, user: User) => Rule<TaskRow> | Promise<Rule<TaskRow>>]
>([
  ['made', (teamOf, user) => ruleOf(teamOf(user))],
  ['made, later', async (teamOf, user) => ruleOf(teamOf(user))],
  ['asked', (teamOf, user) => ({ sees: (row) => row.team === teamOf(user) })],
])('rights that change within a window, by a rule that reads them when %s', (_when, rule) => {
  const setUpRights = async () => {
    const teams = new Map<string, string>()
    const teamOf = ({ id, team }: User): string => teams.get(id) ?? team
    const server = createTestServer({
      limits: { maxChannelChangesPerSecond: 3 },
      policies: policies(allow(Task, (user: User | null) => user && rule(teamOf, user))),
    })
    const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
    for (const client of [ann, bob]) await client.ask({ ...subscribe, payload: { snapshot: true } })
    fill(server)
    for (const client of [ann, bob]) await client.take()
    server.memory.write([{ id: 'a', row: task('red') }])
    server.memory.write([{ id: 'b', row: task('blue') }])
    return { server, teams, ann, bob }
  }

  test('nothing that was held back goes out by those of before, and nobody else has to wait', async () => {
    const { server, teams, ann, bob } = await setUpRights()
    teams.set('ann', 'blue')
    await server.rightsChanged({ userId: 'ann' })
    expect(linesOf(await bob.take())).toEqual(['entity:created a v1 @4'])
    const told = linesOf(await ann.take())
    expect(told[0]).toBe('entity:deleted filler vundefined @3 left +')
    expect(told[1]).toBe('entity:created b v1 @3 entered')
    await server.clock.advance(50)
    server.memory.write([{ id: 'b', row: { title: 'y' } }])
    await server.clock.advance(1_000)
    const later = [...told, ...linesOf(await ann.take())]
    expect(later.filter((line) => line.includes(' a '))).toEqual([])
    expect(later.at(-1)).toMatch(/^entity:updated b v2 @6/)
    expect(await bob.take()).toEqual([])
  })

  test('nor to one of several whose rights change together', async () => {
    const { server, teams, ann, bob } = await setUpRights()
    for (const id of ['ann', 'bob']) teams.set(id, 'blue')
    await server.rightsChanged({ userId: 'ann' }, { userId: 'bob' })
    await server.clock.advance(1_000)
    for (const client of [ann, bob]) {
      const told = linesOf(await client.take())
      expect(told.filter((line) => line.includes(' a '))).toEqual([])
      expect(told).toContainEqual(expect.stringMatching('^entity:created b v1'))
    }
  })

  test('who may see the same as before is told it, once', async () => {
    const { server, ann, bob } = await setUpRights()
    await server.rightsChanged({ userId: 'ann' })
    await server.clock.advance(50)
    for (const client of [ann, bob])
      expect(linesOf(await client.take())).toContainEqual(expect.stringMatching(/^entity:created a v1 @[34]/))
    server.memory.write([{ id: 'a', row: null }])
    await server.clock.advance(1_000)
    for (const client of [ann, bob]) expect(linesOf(await client.take())).toEqual(['entity:deleted a v2 @6'])
  })
})

function ruleOf(team: string): Rule<TaskRow> {
  return { key: team, sees: (row) => row.team === team }
}
