// Rights that change while somebody listens: the exact difference, at once, and nothing by the rights of before.
import { createDeferred } from '@dnr/internal'
import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { describe, expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { gate as stopAt } from '../support/gate.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import {
  createTestServer,
  type Received,
  type TestClient,
  type TestServer,
  typesOf,
} from '../support/test-server.ts'

const subscribe = (payload?: object, channel = 'entity:Task'): object => ({
  type: 'subscribe',
  channel,
  ...(payload && { payload }),
})

/** Teams that may be changed under a running server, as a table of memberships would be. */
function setting(rule: (teamOf: (user: User) => string) => (user: User | null) => unknown): {
  server: TestServer
  teams: Map<string, string>
} {
  const teams = new Map<string, string>()
  const teamOf = ({ id, team }: User): string => teams.get(id) ?? team
  const memory = createMemoryStore()
  memory.write([
    { id: 'r1', row: task('red') },
    { id: 'r2', row: task('red') },
    { id: 'b1', row: task('blue') },
  ])
  const server = createTestServer({
    memory,
    policies: policies(allow(Task, rule(teamOf) as (user: User | null) => RowRule<TaskRow>)),
  })
  return { server, teams }
}

/** What a client keeps of an answer. */
function rightsOf(answer: Received | undefined): { grant: string; position: object } {
  if (answer === undefined) throw new Error('There is no answer.')
  return answer.payload as { grant: string; position: object }
}

/** The rule reads memberships when it is made. */
const whenMade = (teamOf: (user: User) => string) => (user: User | null) => {
  const team = user && teamOf(user)
  return user && { key: team, sees: (row: TaskRow) => row.team === team }
}
/** The rule reads memberships whenever it is asked about a row. */
const whenAsked = (teamOf: (user: User) => string) => (user: User | null) =>
  user && { sees: (row: TaskRow) => row.team === teamOf(user) }

async function watching(
  server: TestServer,
  payload: object = { snapshot: true },
  token = 'ann@red',
): Promise<TestClient> {
  const client = await server.connect(token)
  await client.ask(subscribe(payload))
  return client
}

/** Ids of the rows that a client shows; one that was sent away asks for them. */
async function shownTo(client: TestClient): Promise<string[]> {
  await client.take()
  if (client.received.at(-1)?.type === 'unsubscribed') await client.ask(subscribe({ snapshot: true }))
  const ids = new Set<string>()
  for (const { type, payload } of client.received) {
    if (payload?.snapshot !== undefined) ids.clear()
    for (const { id } of payload?.snapshot?.rows ?? []) ids.add(id as string)
    if (type === 'entity:deleted') ids.delete(payload.id)
    else if (type.startsWith('entity:')) ids.add(payload.id)
  }
  return [...ids].sort()
}

test.each([
  ['made', whenMade],
  ['asked', whenAsked],
])('a rule that reads memberships when %s: what left goes, what entered comes', async (_when, rule) => {
  const { server, teams } = setting(rule)
  const ann = await watching(server)
  const bob = await watching(server, { snapshot: true }, 'bob@red')
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  const difference = await ann.take()
  expect(typesOf(difference)).toEqual([
    'entity:deleted left',
    'entity:deleted left',
    'entity:created entered',
  ])
  expect(difference.map(({ payload }) => payload.id)).toEqual(['r1', 'r2', 'b1'])
  expect(difference[0]?.payload).toEqual({ id: 'r1' })
  expect(difference.map(({ more }) => more)).toEqual([true, true, undefined])
  expect(difference.at(-1)?.position).toEqual(server.memory.position())
  server.memory.write([{ id: 'b1', row: { title: 'new' } }])
  server.memory.write([{ id: 'r1', row: { title: 'new' } }])
  expect(typesOf(await ann.take())).toEqual(['entity:updated'])
  expect(typesOf(await bob.take())).toEqual(['entity:updated'])
  expect(server.channels.channels.get('entity:Task')).toMatchObject({ opening: 0, blocks: null })
})

test('who only hears events, and never asked for rows, gets the same difference', async () => {
  const { server, teams } = setting(whenMade)
  const ann = await watching(server, {})
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  expect((await ann.take()).map(({ payload }) => payload.id)).toEqual(['r1', 'r2', 'b1'])
})

test('other fields of the rows that stay in sight are sent, at the version that is known', async () => {
  let fields: readonly ('title' | 'team')[] | undefined
  const { server } = setting(() => () => ({
    key: 'all',
    sees: () => true,
    ...(fields && { fields }),
  }))
  server.memory.write([{ id: 'r1', row: { secret: 'MARK' } }])
  const ann = await watching(server)
  fields = ['title', 'team']
  await server.rightsChanged({ key: 'all' })
  const difference = await ann.take()
  expect(typesOf(difference)).toEqual(Array.from({ length: 3 }, () => 'entity:updated entered'))
  expect(difference.find(({ payload }) => payload.id === 'r1')?.payload).toEqual({
    id: 'r1',
    title: 'x',
    team: 'red',
    version: 2,
  })
  expect(JSON.stringify(difference)).not.toContain('MARK')
})

test('no right at all any more: forbidden, the connection stays', async () => {
  let isAllowed = true
  const { server } = setting(() => () => isAllowed)
  const ann = await watching(server)
  isAllowed = false
  await server.rightsChanged({ channel: 'entity:Task' })
  const [answer, ...rest] = await ann.take()
  expect(answer).toMatchObject({ type: 'error', channel: 'entity:Task', payload: { code: 'forbidden' } })
  expect(rest).toEqual([])
  server.memory.write([{ id: 'r1', row: { title: 'MARK' } }])
  expect(await ann.take()).toEqual([])
  expect(ann.closed).toBeNull()
  expect(server.channels.subscriptionCount).toBe(0)
})

test('nothing goes out by the rights of before while an asynchronous rule is asked', async () => {
  const waiting: (() => void)[] = []
  let isSlow = false
  const { server, teams } = setting((teamOf) => async (user) => {
    if (isSlow) await new Promise<void>((resolve) => void waiting.push(resolve))
    return whenMade(teamOf)(user)
  })
  const ann = await watching(server)
  teams.set('ann', 'blue')
  isSlow = true
  const done = server.rightsChanged({ userId: 'ann' })
  server.memory.write([{ id: 'r1', row: { title: 'MARK-red' } }])
  server.memory.write([{ id: 'b1', row: { title: 'blue news' } }])
  expect(await ann.take()).toEqual([])
  for (const open of waiting) open()
  await done
  const told = await ann.take()
  expect(JSON.stringify(told)).not.toContain('MARK')
  expect(typesOf(told).slice(0, 3)).toEqual([
    'entity:deleted left',
    'entity:deleted left',
    'entity:created entered',
  ])
})

test('what went by while rights were asked about reached nobody, and is not taken away later', async () => {
  const waiting: (() => void)[] = []
  let isSlow = false
  const { server, teams } = setting((teamOf) => async (user) => {
    const team = user && teamOf(user)
    if (isSlow) await new Promise<void>((resolve) => void waiting.push(resolve))
    return user && { sees: (row: TaskRow) => row.team === team }
  })
  const ann = await watching(server)
  teams.set('ann', 'blue')
  isSlow = true
  const done = server.rightsChanged({ userId: 'ann' })
  server.memory.write([{ id: 'new', row: task('red') }])
  for (const open of waiting) open()
  await done
  expect(JSON.stringify(await ann.take())).not.toContain('new')
  server.memory.write([{ id: 'new', row: { title: 'still red' } }])
  expect(await ann.take()).toEqual([])
})

test('a key that all still share costs nothing: what came meanwhile follows', async () => {
  const { server } = setting(whenMade)
  const ann = await watching(server)
  const done = server.rightsChanged({ userId: 'ann' })
  server.memory.write([{ id: 'r1', row: { title: 'meanwhile' } }])
  await done
  expect(typesOf(await ann.take())).toEqual(['entity:updated'])
})

test('everybody with a key is asked, whoever they are; others are not', async () => {
  const members = new Set(['r1', 'r2'])
  let asked = 0
  const { server } = setting(() => (user) => {
    asked++
    return user && { key: user.team, sees: (row: TaskRow) => members.has(row.id) }
  })
  const ann = await watching(server)
  const bob = await watching(server, { snapshot: true }, 'bob@red')
  const eve = await watching(server, { snapshot: true }, 'eve@blue')
  asked = 0
  members.delete('r1')
  members.add('b1')
  await server.rightsChanged({ key: 'red' })
  for (const client of [ann, bob]) {
    expect((await client.take()).map(({ type, payload }) => [type, payload.id])).toEqual([
      ['entity:deleted', 'r1'],
      ['entity:created', 'b1'],
    ])
  }
  expect(await eve.take()).toEqual([])
  expect(asked).toBe(2)
})

test('a row that was deleted or handed on unnoticed meanwhile is taken away, too', async () => {
  const { server, teams } = setting(whenAsked)
  const ann = await watching(server)
  server.memory.write([{ id: 'r1', row: null }], { publish: false })
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  server.memory.publishRest()
  const left = (await ann.take())
    .filter(({ type }) => type === 'entity:deleted')
    .map(({ payload }) => payload.id)
  expect([...left].sort((a, b) => (a < b ? -1 : 1))).toEqual(['r1', 'r2'])
})

test('rows that were read while others wrote, who had not been heard of yet, are taken away with the right to them', async () => {
  const { server, teams } = setting(whenAsked)
  const { memory } = server
  const read = stopAt(memory, 'head')
  const ann = await server.connect('ann@red')
  ann.send(subscribe({ snapshot: true }))
  await read.reached
  memory.write([{ id: 'elsewhere', row: task('green') }], { publish: false })
  read.open()
  expect(await shownTo(ann)).toEqual(['r1', 'r2'])
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  memory.publishRest()
  expect(await shownTo(ann)).toEqual(['b1'])
})

test('and so are rows that came into sight while others wrote', async () => {
  const { server, teams } = setting(whenAsked)
  const { memory } = server
  const ann = await watching(server)
  memory.write([{ id: 'elsewhere', row: task('green') }], { publish: false })
  for (const team of ['blue', 'green']) {
    teams.set('ann', team)
    await server.rightsChanged({ userId: 'ann' })
  }
  memory.publishRest()
  expect(await shownTo(ann)).toEqual(['elsewhere'])
})

describe('a reading fails whose rows somebody else has been sent, too', () => {
  /** `ann` has the rows, and is alone. */
  const setUp = async ({ isRightsChange }: { isRightsChange: boolean }) => {
    const { server, teams } = setting(whenAsked)
    const { memory } = server
    await watching(server, {})
    const reading = await server.connect('ann@red')
    const head = createDeferred()
    memory.gate = (what) => {
      if (what !== 'head') return undefined
      memory.gate = null
      return head.promise
    }
    reading.send(subscribe({ snapshot: true }))
    await drainMicrotasks()
    expect(memory.gate).toBeNull()
    if (isRightsChange) void server.rightsChanged({ userId: 'ann' })
    const ann = await watching(server)
    expect(await shownTo(ann)).toEqual(['r1', 'r2'])
    reading.pair.cut()
    head.reject(new Error('The disk is gone.'))
    await drainMicrotasks()
    teams.set('ann', 'blue')
    return { server, memory, ann }
  }

  test('after rights have changed: what is known since stays known, and a row that is lost goes when it changes', async () => {
    const { memory, ann } = await setUp({ isRightsChange: true })
    memory.write([{ id: 'r1', row: { title: 'x' } }])
    expect(await shownTo(ann)).toEqual(['r2'])
  })

  test('the rows go with the right to them', async () => {
    const { server, ann } = await setUp({ isRightsChange: false })
    await server.rightsChanged({ userId: 'ann' })
    expect(await shownTo(ann)).toEqual(['b1'])
  })
})

test('who came back with rows of its own is asked to come anew, and gets them as a snapshot', async () => {
  const { server, teams } = setting(whenAsked)
  const ann = await watching(server, { position: server.memory.position(), snapshot: true })
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  const [answer] = await ann.take()
  expect(answer).toMatchObject({ type: 'unsubscribed', channel: 'entity:Task' })
  expect(answer).not.toHaveProperty('requestId')
})

test('subscribed names the rights to who asks; with others a position does not hold', async () => {
  const { server, teams } = setting(whenMade)
  const ann = await server.connect('ann@red')
  const [first] = await ann.ask(subscribe({ snapshot: true, grant: null }))
  const { grant, position } = rightsOf(first)
  expect(grant).toMatch(/^[\w-]{22}$/)
  ann.pair.cut()
  const back = await server.connect('ann@red')
  const [same] = await back.ask(subscribe({ snapshot: true, position, grant }))
  expect(same?.payload).toEqual({ position, recovered: true, grant })
  back.pair.cut()
  teams.set('ann', 'blue')
  const other = await server.connect('ann@red')
  const [changed] = await other.ask(subscribe({ snapshot: true, position, grant }))
  expect(changed?.payload).toMatchObject({ recovered: false, snapshot: { rows: [{ id: 'b1' }] } })
  expect(changed?.payload.grant).not.toBe(grant)
})

test('who was away when rights changed is recognised, though the rule looks the same', async () => {
  const { server, teams } = setting(whenAsked)
  const ann = await server.connect('ann@red')
  const [first] = await ann.ask(subscribe({ snapshot: true, grant: null }))
  const { grant, position } = rightsOf(first)
  ann.pair.cut()
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  const back = await server.connect('ann@red')
  const [answer] = await back.ask(subscribe({ snapshot: true, position, grant }))
  expect(answer?.payload).toMatchObject({ recovered: false, snapshot: { rows: [{ id: 'b1' }] } })
})

test('who was told the difference is told the name of its new rights, and resumes with it', async () => {
  const { server, teams } = setting(whenMade)
  const ann = await watching(server, { snapshot: true, grant: null })
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  const told = (await ann.take()).at(-1)
  expect(told).toMatchObject({ type: 'subscribed', payload: { recovered: true } })
  ann.pair.cut()
  const back = await server.connect('ann@red')
  const { grant, position } = rightsOf(told)
  const [answer] = await back.ask(subscribe({ snapshot: true, position, grant }))
  expect(answer?.payload).toMatchObject({ recovered: true })
})

test('a connection that ends in the middle of a difference does not leave its client with rows of other rights than it names', async () => {
  const { server, teams } = setting(whenMade)
  const ann = await watching(server, { snapshot: true, grant: null })
  const before = rightsOf((await ann.take()).find(({ type }) => type === 'subscribed') ?? ann.received.at(-1))
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  const [first, ...difference] = await ann.take()
  expect(typesOf(difference)).toEqual([
    'entity:deleted left',
    'entity:deleted left',
    'entity:created entered',
    'subscribed',
  ])
  ann.pair.cut()
  teams.set('ann', 'red')
  const back = await server.connect('ann@red')
  const { grant } = rightsOf(first)
  const [answer] = await back.ask(subscribe({ snapshot: true, position: before.position, grant }))
  expect(answer?.payload).toMatchObject({ recovered: false })
})

test('a subscribe that waits for its authorisation gets the answer of today', async () => {
  const waiting: (() => void)[] = []
  const { server, teams } = setting((teamOf) => async (user) => {
    const rule = whenMade(teamOf)(user)
    await new Promise<void>((resolve) => void waiting.push(resolve))
    return rule
  })
  const ann = await server.connect('ann@red')
  await ann.take()
  ann.send({ ...subscribe({ snapshot: true }), requestId: 'r1' })
  await drainMicrotasks()
  teams.set('ann', 'blue')
  const done = server.rightsChanged({ userId: 'ann' })
  for (const open of waiting) open()
  await done
  const [answer, ...rest] = await ann.take()
  expect(answer).toMatchObject({
    type: 'subscribed',
    requestId: 'r1',
    payload: { snapshot: { rows: [{ id: 'b1' }] } },
  })
  expect(rest).toEqual([])
})

test('unsubscribe, or the end of the connection, while rights are asked about: nothing more is said', async () => {
  const waiting: (() => void)[] = []
  let isSlow = false
  const { server } = setting((teamOf) => async (user) => {
    if (isSlow) await new Promise<void>((resolve) => void waiting.push(resolve))
    return whenMade(teamOf)(user)
  })
  const ann = await watching(server)
  const bob = await watching(server, { snapshot: true }, 'bob@red')
  isSlow = true
  const done = server.rightsChanged({ channel: 'entity:Task' })
  expect(typesOf(await ann.ask({ type: 'unsubscribe', channel: 'entity:Task' }))).toEqual(['unsubscribed'])
  bob.pair.cut()
  await drainMicrotasks()
  for (const open of waiting) open()
  await done
  expect(await ann.take()).toEqual([])
  expect(server.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, channelCount: 0 })
})

test('rooms and presence end when they are forbidden, and lose nothing when they are not', async () => {
  const allowed = new Set(['ann', 'bob'])
  const clock = createManualClock()
  const server = createTestServer({
    clock,
    policies: policies(
      allowChannel('room', async (user) => {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 10))
        return allowed.has(user.id)
      }),
    ),
  })
  const clients = await Promise.all(['ann@red', 'bob@red'].map((token) => server.connect(token)))
  for (const client of clients) client.send(subscribe(undefined, 'room:lobby'))
  await clock.advance(10)
  for (const client of clients) await client.take()
  allowed.delete('bob')
  const done = server.rightsChanged({ channel: 'room:lobby' })
  server.connections.broadcast('room:lobby', { type: 'message', payload: 'MARK' })
  await clock.advance(10)
  await done
  const [ann, bob] = await Promise.all(clients.map((client) => client.take()))
  expect(ann).toMatchObject([{ type: 'message', payload: 'MARK' }])
  expect(bob).toMatchObject([{ type: 'error', payload: { code: 'forbidden' } }])
})

test('two sessions of one user with different rights do not mix', async () => {
  const server = createTestServer({
    policies: policies(
      allow(
        Task,
        (user: User | null) => user && { sees: (row) => user.team === 'all' || row.team === user.team },
      ),
    ),
  })
  const narrow = await watching(server, {}, 'ann@red')
  const wide = await watching(server, {}, 'ann@all')
  server.memory.write([{ id: 'b1', row: task('blue', 'MARK') }])
  expect(await narrow.take()).toEqual([])
  expect(typesOf(await wide.take())).toEqual(['entity:created'])
})

test('everybody with a key gets the difference, though another of them still reads', async () => {
  const members = new Set(['r1', 'r2'])
  const { server } = setting(
    () => (user) => user && { key: user.team, sees: (row: TaskRow) => members.has(row.id) },
  )
  const ann = await watching(server)
  let open = (): void => {}
  server.memory.gate = () => new Promise<void>((resolve) => (open = resolve))
  const bob = await server.connect('bob@red')
  bob.send(subscribe({ snapshot: true }))
  await drainMicrotasks()
  server.memory.gate = null
  members.add('b1')
  await ann.take()
  const done = server.rightsChanged({ key: 'red' })
  open()
  await done
  expect((await ann.take()).map(({ type, payload }) => [type, payload.id])).toEqual([
    ['entity:created', 'b1'],
  ])
  const [, answer] = await bob.take()
  expect(answer?.payload.snapshot.rows.map(({ id }: { id: string }) => id)).toEqual(['b1', 'r1', 'r2'])
})

/** Rows whose snapshot comes one by one, and stops before the third until the gate opens. */
async function halfSent(
  rule: RowRule<TaskRow>,
): Promise<{ server: TestServer; ann: TestClient; openGate(): void }> {
  const memory = createMemoryStore({ chunkRows: 1 })
  memory.write(['a', 'b', 'c', 'd'].map((id) => ({ id, row: task('red') })))
  const server = createTestServer({ memory, policies: policies(allow(Task, () => rule)) })
  const ann = await server.connect('ann@red')
  const gate = createDeferred()
  let chunks = 0
  memory.gate = (what) => (what === 'chunk' && ++chunks === 2 ? gate.promise : undefined)
  const begun = await ann.ask(subscribe({ snapshot: true, grant: null }))
  expect(typesOf(begun)).toEqual(['subscribed', 'snapshot'])
  return { server, ann, openGate: gate.resolve }
}

const idsOf = (messages: readonly Received[]): string[] =>
  messages.flatMap(({ type, payload }) =>
    type === 'snapshot' ? (payload.rows as { id: string }[]).map(({ id }) => id) : [],
  )

test.each([1, 2, 9])(
  'rights that change %i times, and are the same, do not throw half of a snapshot away',
  async (times) => {
    const { server, ann, openGate } = await halfSent({ key: 'red', sees: () => true })
    const changed = Array.from({ length: times }, () => server.rightsChanged({ key: 'red' }))
    // Nothing of it waits for a reader that takes its time.
    await Promise.all(changed)
    expect(await ann.take()).toEqual([])
    openGate()
    const rest = await ann.take()
    expect([typesOf(rest), idsOf(rest)]).toEqual([
      ['snapshot', 'snapshot', 'snapshot', 'subscribed'],
      ['c', 'd'],
    ])
    expect(rest[2]?.payload).toMatchObject({ rows: [], more: false, grant: expect.any(String) })
    expect(rest.at(-1)?.payload).toMatchObject({ recovered: true, grant: expect.any(String) })
    server.memory.write([{ id: 'a', row: { title: 'new' } }])
    expect(typesOf(await ann.take())).toEqual(['entity:updated'])
  },
)

test('rights that change behind half of a snapshot: the rest is by those of today, and the difference comes before its end', async () => {
  let hidden = new Set(['b', 'd'])
  const { server, ann, openGate } = await halfSent({ key: 'red', sees: ({ id }) => !hidden.has(id) })
  hidden = new Set(['a', 'c'])
  void server.rightsChanged({ key: 'red' })
  // What was written meanwhile is told once, by the rights of today.
  server.memory.write([{ id: 'e', row: task('red') }])
  openGate()
  const rest = await ann.take()
  expect(idsOf(rest)).toEqual(['d'])
  // A client that shows the rows at the end of the snapshot shows those of today's rights alone.
  expect(rest.map(({ type, reason, payload }) => [type, reason ?? payload.more, payload.id])).toEqual([
    ['snapshot', true, undefined],
    ['snapshot', true, undefined],
    ['entity:deleted', 'left', 'a'],
    ['entity:created', 'entered', 'b'],
    ['entity:created', 'entered', 'e'],
    ['snapshot', false, undefined],
    ['entity:created', undefined, 'e'],
    ['subscribed', undefined, undefined],
  ])
  // The grant of the end is that of its rows: whoever comes back with it has them.
  const end = rest.find(({ payload }) => payload.more === false)
  expect(end?.payload.grant).toBe(rest.at(-1)?.payload.grant)
  expect(JSON.stringify(rest)).not.toContain('"c"')
})

test('other fields behind half of a snapshot: it has to begin anew', async () => {
  let fields: readonly ('title' | 'team')[] | undefined
  const { server, ann, openGate } = await halfSent({
    key: 'red',
    sees: () => true,
    get fields() {
      return fields
    },
  } as RowRule<TaskRow>)
  fields = ['title']
  await server.rightsChanged({ key: 'red' })
  openGate()
  expect(typesOf(await ann.take())).toEqual(['unsubscribed'])
  expect(server.channels.subscriptionCount).toBe(0)
})

test('no right any more behind half of a snapshot: forbidden, and nothing of it follows', async () => {
  const rule: { now: RowRule<TaskRow> | false } = { now: { key: 'red', sees: () => true } }
  const memory = createMemoryStore({ chunkRows: 1 })
  memory.write(['a', 'b'].map((id) => ({ id, row: task('red') })))
  const server = createTestServer({ memory, policies: policies(allow(Task, () => rule.now)) })
  const ann = await server.connect('ann@red')
  const gate = createDeferred()
  memory.gate = (what) => (what === 'chunk' ? gate.promise : undefined)
  await ann.ask(subscribe({ snapshot: true }))
  rule.now = false
  await server.rightsChanged({ userId: 'ann' })
  gate.resolve()
  expect(await ann.take()).toMatchObject([{ type: 'error', ended: true, payload: { code: 'forbidden' } }])
  expect(server.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, channelCount: 0 })
})

test('rights that change while a difference is read are compared anew with what the client has', async () => {
  const { server, teams } = setting(whenAsked)
  const ann = await watching(server)
  const gate = createDeferred()
  server.memory.gate = (what) => (what === 'snapshot' ? gate.promise : undefined)
  teams.set('ann', 'blue')
  const changes = [server.rightsChanged({ userId: 'ann' })]
  await drainMicrotasks()
  teams.set('ann', 'green')
  changes.push(server.rightsChanged({ userId: 'ann' }))
  gate.resolve()
  await Promise.all(changes)
  const difference = await ann.take()
  expect(difference.map(({ type, reason, payload }) => [type, reason, payload.id])).toEqual([
    ['entity:deleted', 'left', 'r1'],
    ['entity:deleted', 'left', 'r2'],
  ])
})

test.each([
  ['another tab was told that it has gone', false],
  ['another tab opened afterwards', true],
])(
  'a row that somebody comes back with is taken away in the end, when %s before rights were said to change',
  async (_, isLate) => {
    const { server, teams } = setting(whenAsked)
    const other = isLate ? null : await watching(server)
    const away = await server.connect('ann@red')
    const [first] = await away.ask(subscribe({ snapshot: true, grant: null }))
    const { grant, position } = rightsOf(first)
    away.pair.cut()
    teams.set('ann', 'blue')
    server.memory.write([{ id: 'r1', row: { title: 'not for ann' } }])
    if (isLate) await watching(server)
    else expect(typesOf((await other?.take()) ?? [])).toEqual(['entity:deleted left'])
    const back = await server.connect('ann@red')
    const [answer] = await back.ask(subscribe({ snapshot: true, position, grant }))
    expect(JSON.stringify(answer)).not.toContain('not for ann')
    await server.rightsChanged({ userId: 'ann' })
    const heard = await back.take()
    const isNamed = heard.some(({ type, payload }) => type === 'entity:deleted' && payload.id === 'r1')
    const isReadAnew = answer?.payload.recovered === false || typesOf(heard).includes('unsubscribed')
    expect(isNamed || isReadAnew).toBe(true)
  },
)

test('a tab that opens before rights are said to change reads by those of today: in the end every tab shows the same', async () => {
  const { server, teams } = setting(whenAsked)
  const before = await watching(server)
  teams.set('ann', 'blue')
  const between = await watching(server)
  expect(await shownTo(before)).toEqual(['r1', 'r2'])
  expect(await shownTo(between)).toEqual(['b1'])
  await server.rightsChanged({ userId: 'ann' })
  expect(await shownTo(before)).toEqual(['b1'])
  expect(await shownTo(between)).toEqual(['b1'])
})

test('nobody is told the ids of rows that were lost before they came, when that is said of a key later', async () => {
  const hidden = new Set<string>()
  const { server } = setting(() => () => ({ key: 'shared', sees: ({ id }: TaskRow) => !hidden.has(id) }))
  const ann = await watching(server)
  hidden.add('r1')
  const bob = await watching(server, { snapshot: true }, 'bob@red')
  await server.rightsChanged({ key: 'shared' })
  expect(await shownTo(ann)).toEqual(['b1', 'r2'])
  expect(JSON.stringify([bob.received, await shownTo(bob)])).not.toContain('"r1"')
})

test('a row that a tab has read ahead of the log divides nobody: the difference is told', async () => {
  const { server, teams } = setting(whenAsked)
  const ann = await watching(server)
  server.memory.write([{ id: 'r3', row: task('red') }], { publish: false })
  server.memory.write([{ id: 'r1', row: task('blue') }], { publish: false })
  await watching(server)
  server.memory.publishRest()
  await ann.take()
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  expect(typesOf(await ann.take())).not.toContain('unsubscribed')
  expect(await shownTo(ann)).toEqual(['b1', 'r1'])
})

test.each([
  ['came', false],
  ['was hidden when it came, and is shown for a while', true],
])(
  'a row that %s while somebody was away: when rights are said to change it is gone, and not named to who has not had it',
  async (_, isShown) => {
    const hidden = new Set<string>(isShown ? ['late'] : [])
    const { server } = setting(() => () => ({ key: 'shared', sees: ({ id }: TaskRow) => !hidden.has(id) }))
    const { memory } = server
    await watching(server)
    const away = await server.connect('bob@red')
    const [first] = await away.ask(subscribe({ snapshot: true, grant: null }))
    memory.write([{ id: 'r2', row: { title: 'so that all is known before' } }])
    const position = (await away.take()).at(-1)?.position
    away.pair.cut()
    memory.write([{ id: 'late', row: task('red') }])
    if (isShown) hidden.clear()
    else hidden.add('late')
    const back = await server.connect('bob@red')
    await back.ask(subscribe({ snapshot: true, position, grant: rightsOf(first).grant }))
    hidden.add('late')
    await server.rightsChanged({ key: 'shared' })
    expect(await shownTo(back)).not.toContain('late')
    const left = back.received
      .filter(({ type }) => type === 'entity:deleted')
      .map(({ payload }) => payload.id)
    expect(left.includes('late') && !isShown).toBe(false)
  },
)

test('who was away while rows changed that were not asked for has the rows of the others: the difference is told', async () => {
  const { server, teams } = setting(whenAsked)
  const { memory } = server
  const query = { where: { team: { in: ['red', 'blue'] } } }
  await watching(server, { snapshot: true, query })
  const away = await server.connect('ann@red')
  const [first] = await away.ask(subscribe({ snapshot: true, query, grant: null }))
  memory.write([{ id: 'r2', row: { title: 'so that all is known before' } }])
  const position = (await away.take()).at(-1)?.position
  away.pair.cut()
  memory.write([{ id: 'r3', row: task('green') }])
  memory.write([{ id: 'r3', row: { title: 'y' } }])
  const back = await server.connect('ann@red')
  await back.ask(subscribe({ snapshot: true, position, query, grant: rightsOf(first).grant }))
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  const told = await back.take()
  expect(typesOf(told)).not.toContain('unsubscribed')
  expect(told.find(({ type }) => type === 'entity:created')?.payload).toMatchObject({ id: 'b1' })
})

test('a row that one of several was shown by another answer of the rule goes, and is not named to the others, nor to who reads', async () => {
  const hidden = new Set<string>(['late'])
  const { server } = setting(() => () => ({ key: 'shared', sees: ({ id }: TaskRow) => !hidden.has(id) }))
  const { memory } = server
  const before = await watching(server)
  memory.write([{ id: 'late', row: task('red') }])
  hidden.clear()
  const between = await watching(server)
  expect(await shownTo(between)).toContain('late')
  hidden.add('late')
  const read = stopAt(memory, 'head')
  const reading = await server.connect('ann@red')
  reading.send(subscribe({ snapshot: true }))
  await read.reached
  memory.write([{ id: 'late', row: { title: 'x' } }])
  expect(await shownTo(between)).not.toContain('late')
  read.open()
  for (const client of [before, reading]) {
    expect(await shownTo(client)).toEqual(['b1', 'r1', 'r2'])
    expect(JSON.stringify(client.received)).not.toContain('late')
  }
})
