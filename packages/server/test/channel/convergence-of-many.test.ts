// However many clients, whose rules answer late, share a key, or know of rights before the application says that these are others: in
// the end each shows what its rights show, and nothing was sent to anybody without right, nor a word in a room twice, late or not at all.
import type { Change } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { createMemoryStore, type MemoryStore, task } from '../support/memory-store.ts'
import { createModelClient } from '../support/model-client.ts'
import { createTestServer, type Received, type TestClient, type TestServer } from '../support/test-server.ts'

const USERS = ['ann', 'bob'] as const
const ROOM = 'room:lobby'
const enter = { type: 'subscribe', channel: ROOM }
/** Changes of a transaction that are told at once: longer ones come in parts. */
const PART_CHANGES = 2

type Team = 'red' | 'blue' | 'none' | 'all'

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      ids: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 4 }),
      team: fc.constantFrom('red' as const, 'blue' as const, null),
      /** Parts that the relay hands over at once. */
      parts: fc.constantFrom(0, 1, 99),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('rights' as const),
      user: fc.constantFrom(...USERS),
      team: fc.constantFrom<Team>('red', 'blue', 'none', 'all'),
      ofKey: fc.boolean(),
      isSaid: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('say', 'publish', 'trim', 'word', 'turn', 'pass', 'open', 'close', 'close rules'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('reconnect', 'resubscribe', 'enter room'),
      client: fc.nat(2),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** How a rule reads memberships: when it is made, whenever it is asked about a row, or for all who have one key. */
const modes = fc.record({
  reads: fc.constantFrom('when made', 'when asked', 'shared'),
  size: fc.integer({ min: 1, max: 3 }),
  limit: fc.constantFrom(null, null, 1, 4),
  /** The team whose rows are asked for; `null`: all rows are. */
  asked: fc.constantFrom(null, null, 'red'),
})
type Mode = typeof modes extends fc.Arbitrary<infer Value> ? Value : never

/** A broken variant of what the server is made of. */
interface Planted {
  history?(history: MemoryStore['history']): MemoryStore['history']
  readonly isDeafToRights?: boolean
  readonly losesWords?: boolean
}

const shows = (team: Team, row: Readonly<Record<string, unknown>>): boolean =>
  team === 'all' || row['team'] === team

/** Who may see what, as the rules know it, and as the application has said it. */
function createMemberships({ reads }: Mode) {
  const teams = new Map<string, Team>(USERS.map((user) => [user, 'red']))
  let shared: Team = 'red'
  const sharing = new Set<string>(reads === 'shared' ? USERS : [])
  const teamOf = (user: string): Team => (sharing.has(user) ? shared : (teams.get(user) ?? 'none'))
  /** Until it is said, what follows may be by the rights of before or by those of today. */
  const may = new Map(USERS.map((user) => [user as string, new Set<Team>(['red'])]))
  const unsaid: (() => void)[] = []
  return {
    teamOf,
    unsaid,
    maySee: (user: string, row: Readonly<Record<string, unknown>>): boolean =>
      [...(may.get(user) ?? [])].some((team) => shows(team, row)),
    ruleOf({ id }: User): RowRule<TaskRow> {
      const now = teamOf(id)
      if (reads === 'when asked') return { sees: (row) => shows(teamOf(id), row) }
      return { key: sharing.has(id) ? 'shared' : now, sees: (row) => shows(now, row) }
    },
    /** Returns whom it is about. */
    change({ user, team, ofKey }: Extract<Step, { do: 'rights' }>): { userId: string } | { key: string } {
      const isOfKey = ofKey && sharing.has(user)
      if (isOfKey) shared = team
      else {
        if (reads === 'shared' && !sharing.delete(user)) sharing.add(user)
        teams.set(user, team)
      }
      for (const each of USERS) may.get(each)?.add(teamOf(each))
      return isOfKey ? { key: 'shared' } : { userId: user }
    },
    said(): void {
      if (unsaid.length > 0) return
      for (const each of USERS) may.set(each, new Set([teamOf(each)]))
    },
  }
}

/** Places where a run may stop whoever comes by. */
function createGates() {
  const closed = new Set<string>()
  const waiting: (() => void)[] = []
  return {
    close: (place: string) => void closed.add(place),
    pass: (place: string): Promise<void> | undefined =>
      closed.has(place) ? new Promise((resolve) => void waiting.push(resolve)) : undefined,
    open(): void {
      closed.clear()
      for (const open of waiting.splice(0)) open()
    },
  }
}

/** Calls `heard` at the moment when something is sent. */
function onSent({ pair: { server } }: TestClient, heard: (message: Received) => void): void {
  const send = server.send.bind(server)
  server.send = (frame) => {
    heard(JSON.parse(frame.text) as Received)
    send(frame)
  }
}

/** Words of one connection, which come in order, each once, from the first answer on. */
function createEar() {
  let next: number | null = null
  return {
    hear({ channel, type, payload }: Received, said: number): void {
      if (channel !== ROOM) return
      if (type === 'subscribed') next ??= said + 1
      if (type !== 'message') return
      expect(payload).toBe(next ?? payload)
      next = (payload as number) + 1
    },
    endsAt: (said: number): boolean => next === null || next === said + 1,
  }
}

async function run(steps: readonly Step[], mode: Mode, planted: Planted): Promise<void> {
  const memory = createMemoryStore({
    chunkRows: mode.size,
    pageChanges: mode.size,
    maxWholeChanges: PART_CHANGES,
  })
  const memberships = createMemberships(mode)
  const gates = createGates()
  memory.gate = gates.pass
  const looked = async <Answer>(answer: Answer): Promise<Answer> => {
    await gates.pass('rule')
    return answer
  }
  const server = createTestServer({
    memory,
    history: planted.history?.(memory.history) ?? memory.history,
    limits: { maxMessagesPerSecond: null, maxChannelChangesPerSecond: mode.limit },
    policies: policies(
      allow(Task, (user: User | null) => looked(user && memberships.ruleOf(user))),
      allowChannel('room', () => looked(true)),
    ),
  })
  let words = 0
  const unpublished: (readonly Change[])[] = []
  const clients = await Promise.all(['ann', 'bob', 'ann'].map((user) => createPerson(user, server)))

  const publish = (count: number): void => {
    for (const part of unpublished.splice(0, count)) server.eventBus.publish(part)
  }
  const write = (ids: readonly number[], team: Team | null): void => {
    const possible = ids.filter((id) => team !== null || memory.rows.has(`t${id}`))
    if (possible.length === 0) return
    const row = team === null ? null : task(team, `${memory.log.length}`)
    const changes = memory.write(
      possible.map((id) => ({ id: `t${id}`, row })),
      { publish: false },
    )
    for (let from = 0; from < changes.length; from += PART_CHANGES)
      unpublished.push(changes.slice(from, from + PART_CHANGES))
  }
  const sayAll = (): void => {
    for (const say of memberships.unsaid.splice(0)) say()
    memberships.said()
  }

  /** One connection of a user at a time, and what it shows. */
  async function createPerson(user: string, { connect }: TestServer) {
    const model = createModelClient(mode.asked === null ? undefined : { team: mode.asked })
    const had = new Set<string>()
    let ear = createEar()
    const judge = ({ type, payload }: Received): void => {
      const rows: readonly TaskRow[] = payload?.snapshot?.rows ?? payload?.rows ?? []
      const told = type === 'entity:created' || type === 'entity:updated' ? [payload as TaskRow] : rows
      for (const row of told) {
        expect([user, row, memberships.maySee(user, row)]).toEqual([user, row, true])
        had.add(row.id)
      }
      if (type !== 'entity:deleted' || had.has(payload.id)) return
      const isSeen = memory.log.some(
        ({ id, after }) => id === payload.id && memberships.maySee(user, after ?? {}),
      )
      expect([user, payload, isSeen]).toEqual([user, payload, true])
    }
    const person = {
      user,
      model,
      client: null as unknown as TestClient,
      problem: null as unknown,
      async connect() {
        person.client = await connect(`${user}@red`)
        ear = createEar()
        onSent(person.client, (message) => {
          try {
            judge(message)
            if (planted.losesWords !== true || message.payload !== 1) ear.hear(message, words)
          } catch (error) {
            person.problem ??= error
          }
        })
        person.client.send(model.asks())
        person.client.send(enter)
      },
      async read() {
        model.apply(await person.client.take())
        if (model.mustAsk) person.client.send(model.asks())
        if (person.problem !== null) throw person.problem
      },
      hasAllWords: () => ear.endsAt(words),
    }
    await person.connect()
    return person
  }

  const readAll = async (): Promise<void> => {
    for (const each of clients) await each.read()
  }

  const perform = async (each: Step): Promise<void> => {
    switch (each.do) {
      case 'write':
        write(each.ids, each.team)
        return publish(each.parts)
      case 'rights': {
        const scope = memberships.change(each)
        memberships.unsaid.push(() => {
          if (planted.isDeafToRights !== true) void server.rightsChanged(scope)
        })
        return each.isSaid ? sayAll() : undefined
      }
      case 'say':
        return sayAll()
      case 'publish':
        return publish(1)
      case 'trim':
        return memory.trimTo(server.eventBus.position?.offset ?? 0)
      case 'word':
        return void server.connections.broadcast(ROOM, { type: 'message', payload: ++words })
      case 'turn':
      case 'pass':
        await server.clock.advance(each.do === 'turn' ? 1 : 60)
        return readAll()
      case 'open':
        return gates.open()
      case 'close':
        for (const place of ['head', 'history', 'history read', 'snapshot', 'chunk']) gates.close(place)
        return undefined
      case 'close rules':
        return gates.close('rule')
    }
    const person = clients[each.client] as (typeof clients)[number]
    await person.read()
    if (each.do === 'enter room') return person.client.send(enter)
    if (each.do === 'resubscribe') return person.client.send(person.model.asks())
    person.client.pair.cut()
    return person.connect()
  }

  for (const each of steps) await perform(each)
  sayAll()
  gates.open()
  publish(99)
  for (let turn = 0; turn < 60; turn++) {
    await server.clock.advance(40)
    await readAll()
  }
  // Who asked too often while the log was trimmed is told to come later.
  await server.clock.advance(5_000)
  await readAll()
  const lines = (rows: Iterable<object>): string[] => [...rows].map((row) => JSON.stringify(row)).sort()
  for (const { user, model, hasAllWords } of clients) {
    const visible = [...memory.rows.values()].filter(
      (row) => shows(memberships.teamOf(user), row) && (mode.asked ?? row['team']) === row['team'],
    )
    expect([user, ...lines(model.rows.values())]).toEqual([user, ...lines(visible)])
    expect(hasAllWords()).toBe(true)
  }
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([])
  for (const { client } of clients) client.pair.cut()
  await drainMicrotasks()
  await server.clock.advance(0)
  expect(server.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, groupsInDoubt: 0 })
}

const explore = (numRuns: number, planted: Planted = {}): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), modes, (steps, mode) => run(steps, mode, planted)),
    { numRuns, endOnFailure: Object.keys(planted).length > 0 },
  )

test(
  'every schedule ends with what each may see, and tells nobody anything else',
  () => explore(2_000),
  60_000,
)

test.each<[string, Planted]>([
  [
    'pages of the log lack their last change',
    {
      history: ({ head, read }) => ({
        head,
        async read(request) {
          const page = await read(request)
          return page.holds && !page.more ? { ...page, changes: page.changes.slice(0, -1) } : page
        },
      }),
    },
  ],
  ['nobody hears that rights have changed', { isDeafToRights: true }],
  ['a word is lost', { losesWords: true }],
])(
  'that is found out when %s',
  async (_, planted) => {
    await expect(explore(600, planted)).rejects.toThrow()
  },
  60_000,
)
