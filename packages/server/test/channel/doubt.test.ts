// A rule that throws about a row hides it, and by the time that it works again the row enters by itself: no change of the row, no
// reconnect, nobody else disturbed.
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import type { RealtimeServerOptions } from '../../src/server/options.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import {
  createTestServer,
  type Received,
  type TestClient,
  type TestServer,
  typesOf,
} from '../support/test-server.ts'

const subscribe = (payload: object = { snapshot: true, grant: null }, channel = 'entity:Task'): object => ({
  type: 'subscribe',
  channel,
  payload,
})

interface Setting {
  readonly server: TestServer
  /** Ids of rows that the rule throws about. */
  readonly failing: Set<string>
  /** How often the rule was asked about a row. */
  readonly asked: Map<string, number>
}

function setting({
  keyOf = ({ team }: User): string | undefined => team,
  ...options
}: Partial<RealtimeServerOptions<User>> & { keyOf?: (user: User) => string | undefined } = {}): Setting {
  const failing = new Set<string>()
  const asked = new Map<string, number>()
  const memory = createMemoryStore()
  memory.write([
    { id: 'r1', row: task('red') },
    { id: 'b1', row: task('blue') },
  ])
  const sees = (user: User, row: TaskRow): boolean => {
    asked.set(row.id, (asked.get(row.id) ?? 0) + 1)
    if (failing.has(row.id)) throw new Error('MARK: no connection')
    return row.team === user.team
  }
  const rule = (user: User | null): RowRule<TaskRow> | null => {
    const key = user === null ? undefined : keyOf(user)
    return user && { ...(key === undefined ? {} : { key }), sees: (row) => sees(user, row) }
  }
  const server = createTestServer({ memory, policies: policies(allow(Task, rule)), ...options })
  return { server, failing, asked }
}

async function watching(
  server: TestServer,
  token = 'ann@red',
  payload?: object,
  channel?: string,
): Promise<TestClient> {
  const client = await server.connect(token)
  await client.ask(subscribe(payload, channel))
  return client
}

/** What came about rows, without what was said of rights. */
async function eventsOf(client: TestClient): Promise<string[]> {
  return (await client.take())
    .filter(({ type }) => type !== 'subscribed')
    .map((message) => `${typesOf([message])[0]} ${message.payload.id}`)
}

/** What a client keeps to come back with. */
function standingOf(client: TestClient): { position: object; grant: string } {
  const answers = client.received.filter(({ type }) => type === 'subscribed')
  const positions = client.received.flatMap(({ position, payload }) => position ?? payload?.position ?? [])
  return { position: positions.at(-1), grant: answers.at(-1)?.payload.grant }
}

function rowsOf(answer: Received | undefined): string[] {
  return answer?.payload.snapshot.rows.map(({ id }: { id: string }) => id)
}

/** The longest first wait: a second and a quarter. */
const FIRST_MS = 1_250

test.each([
  ['everything', 'entity:Task', {}],
  ['one record', 'entity:Task:r2', {}],
  ['a query', 'entity:Task', { query: { where: { title: 'hidden' } } }],
])(
  'a row that was hidden from %s because the rule threw enters when it works again',
  async (_what, channel, query) => {
    const { server, failing } = setting()
    const ann = await watching(server, 'ann@red', { snapshot: true, grant: null, ...query }, channel)
    failing.add('r2')
    server.memory.write([{ id: 'r2', row: task('red', 'hidden') }])
    expect(await eventsOf(ann)).toEqual([])
    expect(server.channels.groupsInDoubt).toBe(1)
    failing.clear()
    await server.clock.advance(FIRST_MS)
    expect(await eventsOf(ann)).toEqual(['entity:created entered r2'])
    expect(server.channels.groupsInDoubt).toBe(0)
    server.memory.write([{ id: 'r2', row: { due: null } }])
    expect(await eventsOf(ann)).toEqual(['entity:updated r2'])
  },
)

test('who only hears events, and never asked for rows, is sent what was hidden, too', async () => {
  const { server, failing } = setting()
  const ann = await watching(server, 'ann@red', {})
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.clear()
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r2'])
})

test('a row that was shown is taken away while the rule throws about it, and comes back', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  failing.add('r1')
  server.memory.write([{ id: 'r1', row: { title: 'MARK' } }])
  const told = await ann.take()
  expect(told.filter(({ type }) => type !== 'subscribed')).toMatchObject([
    { type: 'entity:deleted', reason: 'left', payload: { id: 'r1' } },
  ])
  expect(JSON.stringify(told)).not.toContain('MARK')
  failing.clear()
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r1'])
})

test('a row that is deleted or handed on while the rule throws about it stays away', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  server.memory.write([{ id: 'r2', row: task('red') }])
  await ann.take()
  failing.add('r1').add('r2')
  server.memory.write([{ id: 'r1', row: null }])
  server.memory.write([{ id: 'r2', row: { team: 'blue' } }])
  expect(await eventsOf(ann)).toEqual(['entity:deleted left r1', 'entity:deleted left r2'])
  failing.clear()
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual([])
  expect(server.channels.groupsInDoubt).toBe(0)
})

test('a rule that goes on failing costs a look at its rows, less and less often, and its members hear nothing of it', async () => {
  const { server, failing, asked } = setting()
  const ann = await watching(server)
  failing.add('r1')
  server.memory.write([{ id: 'r1', row: { title: 'new' } }])
  await ann.take()
  asked.clear()
  const looks: number[] = []
  for (let second = 0; second < 240; second++) {
    const before = asked.get('r1') ?? 0
    await server.clock.advance(1_000)
    if ((asked.get('r1') ?? 0) > before) looks.push(second)
  }
  const pauses = looks.slice(1).map((second, index) => second - (looks[index] ?? 0))
  expect(pauses.slice(0, 4)).toEqual([2, 4, 9, 18])
  expect(Math.min(...pauses.slice(4))).toBeGreaterThanOrEqual(30)
  expect(asked.get('r1')).toBe(looks.length)
  expect(asked.has('b1')).toBe(false)
  expect(await ann.take()).toEqual([])
  server.memory.write([{ id: 'r2', row: task('red') }])
  expect(await eventsOf(ann)).toEqual(['entity:created r2'])
})

test('one row that the rule always throws about does not keep the others away', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  failing.add('r2').add('r3')
  server.memory.write([
    { id: 'r2', row: task('red') },
    { id: 'r3', row: task('red') },
  ])
  failing.delete('r2')
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r2'])
  expect(server.channels.groupsInDoubt).toBe(1)
  failing.clear()
  await server.clock.advance(60_000)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r3'])
})

test('a group of many is asked about once, and its members get the same bytes', async () => {
  const { server, failing, asked } = setting()
  const members = await Promise.all(
    Array.from({ length: 20 }, (_, index) => watching(server, `u${index}@red`)),
  )
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.clear()
  asked.clear()
  const sent = new Set<unknown>()
  for (const { pair } of members) {
    const { send } = pair.server
    pair.server.send = (frame) => {
      if (frame.text.includes('"entered"')) sent.add(frame)
      send(frame)
    }
  }
  await server.clock.advance(FIRST_MS)
  for (const member of members) expect(await eventsOf(member)).toEqual(['entity:created entered r2'])
  expect(asked.get('r2')).toBe(2)
  expect(sent.size).toBe(1)
})

test('groups are asked about for themselves: a rule that hangs in one keeps nobody else waiting', async () => {
  let isHanging = false
  const { server, failing } = setting({
    policies: policies(
      allow(Task, (user: User | null) => {
        const rule: RowRule<TaskRow> | null = user && {
          sees(row) {
            if (failing.has(row.id)) throw new Error('boom')
            return true
          },
        }
        return isHanging && user?.id === 'ann' ? new Promise<never>(() => {}) : rule
      }),
    ),
  })
  const [ann, bob] = [await watching(server, 'ann@red'), await watching(server, 'bob@red')]
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.clear()
  isHanging = true
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(bob)).toEqual(['entity:created entered r2'])
  expect(await eventsOf(ann)).toEqual([])
  isHanging = false
  await server.clock.advance(10_000)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r2'])
})

test('when nobody is left nothing is asked and no timer runs', async () => {
  const { server, failing } = setting()
  const [ann, eve] = [await watching(server), await watching(server, 'eve@blue')]
  await server.clock.advance(0)
  const timers = server.clock.pendingTimers
  failing.add('r2').add('b2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  expect(server.channels.groupsInDoubt).toBe(2)
  expect(server.clock.pendingTimers).toBe(timers + 1)
  await ann.ask({ type: 'unsubscribe', channel: 'entity:Task' })
  expect(server.channels.groupsInDoubt).toBe(1)
  await eve.ask({ type: 'unsubscribe', channel: 'entity:Task' })
  expect(server.channels.groupsInDoubt).toBe(0)
  expect(server.clock.pendingTimers).toBe(timers)
})

test('a snapshot under a rule that throws lacks the row, which enters later', async () => {
  const { server, failing } = setting()
  failing.add('r1')
  const ann = await server.connect('ann@red')
  const [answer, ...rest] = await ann.ask(subscribe())
  expect(rowsOf(answer)).toEqual([])
  expect(rest).toEqual([])
  failing.clear()
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r1'])
})

test('a row that one member got and another did not enters for both', async () => {
  const { server, failing } = setting()
  failing.add('r1')
  const ann = await watching(server)
  failing.clear()
  const bob = await server.connect('bob@red')
  expect(rowsOf((await bob.ask(subscribe()))[0])).toEqual(['r1'])
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r1'])
  expect(await eventsOf(bob)).toEqual(['entity:created entered r1'])
})

test('a replay under a rule that throws lacks the row, which comes later', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  const { position, grant } = standingOf(ann)
  ann.pair.cut()
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.add('r2')
  const back = await server.connect('ann@red')
  const answers = await back.ask(subscribe({ snapshot: true, position, grant }))
  expect(answers).toMatchObject([{ type: 'subscribed', payload: { recovered: true, grant: 'unsettled' } }])
  failing.clear()
  await server.clock.advance(FIRST_MS)
  // What it had before this server heard of it is not known: it reads its rows anew.
  expect(typesOf(await back.take())).toEqual(['unsubscribed'])
  const again = await back.ask(subscribe({ snapshot: true, ...standingOf(back) }))
  expect(rowsOf(again[0])).toEqual(['r1', 'r2'])
})

test('who disconnects while in doubt does not resume past what it was not shown', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  server.memory.write([{ id: 'r3', row: task('red') }])
  await ann.take()
  ann.pair.cut()
  failing.clear()
  const back = await server.connect('ann@red')
  const [answer] = await back.ask(subscribe({ snapshot: true, ...standingOf(ann) }))
  expect(answer?.payload.recovered).toBe(false)
  expect(rowsOf(answer)).toEqual(['r1', 'r2', 'r3'])
  expect(server.channels.groupsInDoubt).toBe(0)
})

test('nor does it on another server; who was healed resumes on any', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  server.memory.write([{ id: 'r3', row: task('red') }])
  await ann.take()
  const inDoubt = standingOf(ann)
  failing.clear()
  await server.clock.advance(FIRST_MS)
  await ann.take()
  const healed = standingOf(ann)
  const other = createTestServer({
    memory: server.memory,
    policies: policies(allow(Task, (user: User | null) => user && { key: user.team, sees: () => true })),
  })
  const recovered = async (standing: object): Promise<boolean> => {
    const client = await other.connect('ann@red')
    const [answer] = await client.ask(subscribe({ snapshot: true, ...standing }))
    return answer?.payload.recovered
  }
  expect([await recovered(inDoubt), await recovered(healed)]).toEqual([false, true])
})

test('who is told that its group is in doubt is told before what follows', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  failing.add('r2')
  server.memory.write([
    { id: 'r2', row: task('red') },
    { id: 'r3', row: task('red') },
  ])
  const told = await ann.take()
  expect(typesOf(told)).toEqual(['subscribed', 'entity:created'])
  expect(told[0]?.payload).toEqual({ recovered: true, grant: 'unsettled' })
})

test('rights that are said to have changed while a group is in doubt: the difference holds, and the doubt goes on', async () => {
  const { server, failing } = setting()
  const [ann, bob] = [await watching(server), await watching(server, 'bob@red')]
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  await server.rightsChanged({ userId: 'ann' })
  expect(await eventsOf(ann)).toEqual([])
  failing.clear()
  await server.rightsChanged({ userId: 'ann' })
  expect(await eventsOf(ann)).toEqual(['entity:created entered r2'])
  expect(await eventsOf(bob)).toEqual([])
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(bob)).toEqual(['entity:created entered r2'])
  expect(server.channels.groupsInDoubt).toBe(0)
})

test('everybody is asked about while in doubt: what was hidden enters at once', async () => {
  const { server, failing } = setting()
  const [ann, bob] = [await watching(server), await watching(server, 'bob@red')]
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.clear()
  await server.rightsChanged({ key: 'red' })
  for (const client of [ann, bob]) expect(await eventsOf(client)).toEqual(['entity:created entered r2'])
  await server.clock.advance(FIRST_MS)
  for (const client of [ann, bob]) expect(await eventsOf(client)).toEqual([])
  expect(server.channels.groupsInDoubt).toBe(0)
})

test('a rule that throws while rights are asked about takes the row away, and brings it back', async () => {
  const { server, failing } = setting({ keyOf: () => undefined })
  const ann = await watching(server)
  failing.add('r1')
  await server.rightsChanged({ userId: 'ann' })
  expect(await eventsOf(ann)).toEqual(['entity:deleted left r1'])
  failing.clear()
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(ann)).toEqual(['entity:created entered r1'])
})

test('more rows than are remembered: all of them enter', async () => {
  const { server, failing } = setting()
  const ann = await watching(server)
  const ids = Array.from({ length: 150 }, (_, index) => `x${index}`)
  for (const id of ids) failing.add(id)
  server.memory.write(ids.map((id) => ({ id, row: task('red') })))
  failing.clear()
  await server.clock.advance(FIRST_MS)
  const entered = (await eventsOf(ann)).map((event) => event.split(' ').at(-1) ?? '')
  expect(new Set(entered)).toEqual(new Set([...ids, 'r1']))
})

/** A peer that reads a byte whenever it is looked at, so that it always has too much waiting and is never silent. */
async function trickling(server: TestServer, token: string): Promise<TestClient> {
  const client = await watching(server, token)
  let bufferedBytes = 1_000_000
  Object.defineProperty(client.pair.server, 'bufferedBytes', { get: () => bufferedBytes-- })
  return client
}

/** The longest that a group may be asked about: twice the rule's five seconds, and ten for what is read and sent. */
const PLACE_MS = 20_000

test('who reads a byte now and then does not keep the others of its group from being asked about again', async () => {
  const { server, failing } = setting()
  const ann = await trickling(server, 'ann@red')
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.clear()
  // What it reads of the log, after the difference, has to wait for it.
  server.memory.write([{ id: 'r3', row: task('red') }], { publish: false })
  await server.clock.advance(FIRST_MS)
  server.memory.publishRest()
  const bob = await watching(server, 'bob@red')
  failing.add('r4')
  server.memory.write([{ id: 'r4', row: task('red') }])
  failing.clear()
  await server.clock.advance(PLACE_MS - FIRST_MS)
  expect(await eventsOf(bob)).toEqual([])
  await server.clock.advance(3 * FIRST_MS)
  expect(await eventsOf(bob)).toEqual(['entity:created entered r4'])
  // It has not read what came before: it begins anew, as anybody who comes back.
  expect(typesOf(await ann.take()).at(-1)).toBe('unsubscribed')
  expect(ann.closed).toBeNull()
})

test('groups of peers that read a byte now and then keep their places for a stated time', async () => {
  const { server, failing } = setting({ keyOf: () => undefined })
  const bob = await watching(server, 'bob@red')
  for (let index = 0; index < 32; index++) await trickling(server, `slow${index}@red`)
  failing.add('r2')
  server.memory.write([{ id: 'r2', row: task('red') }])
  failing.clear()
  server.memory.write([{ id: 'r3', row: task('red') }], { publish: false })
  await server.clock.advance(FIRST_MS)
  expect(await eventsOf(bob)).toEqual([])
  await server.clock.advance(PLACE_MS)
  expect(await eventsOf(bob)).toContain('entity:created entered r2')
})
