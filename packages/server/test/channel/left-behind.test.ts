// What those who have left, or are leaving, or others of a group know is not taken for what somebody else has been shown.
import { createDeferred } from '@dnr/internal'
import { drainMicrotasks } from '@dnr/testing'
import { describe, expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { gate } from '../support/gate.ts'
import { task } from '../support/memory-store.ts'
import { createTestServer, type TestClient, type TestServer } from '../support/test-server.ts'

const subscribe = (payload?: object): object => ({ type: 'subscribe', channel: 'entity:Task', payload })
const at = (offset: number): object => ({ epoch: 'e1', offset })
const asks = subscribe({ snapshot: true, grant: null })

async function turns({ clock }: TestServer, client: TestClient) {
  for (let turn = 0; turn < 10; turn++) {
    await drainMicrotasks()
    await clock.advance(0)
  }
  return client.take()
}

describe('a channel that everybody has left holds a deletion back, and the row is made again', () => {
  const setUp = async () => {
    const teams = new Map<string, string>()
    const teamOf = ({ id, team }: User): string => teams.get(id) ?? team
    const server = createTestServer({
      limits: { maxChannelChangesPerSecond: 3 },
      policies: policies(
        allow(Task, (user: User | null) => {
          const team = user && teamOf(user)
          return team === null ? null : { key: team, sees: (row) => row.team === team }
        }),
      ),
    })
    const { memory, clock } = server
    memory.write([{ id: 'a', row: task('red') }])
    const ann = await server.connect('ann@red')
    await ann.ask(asks)
    for (let count = 0; count < 3; count++) memory.write([{ id: 'filler', row: task('red', `${count}`) }])
    memory.write([{ id: 'a', row: null }])
    ann.pair.cut()
    await drainMicrotasks()
    expect(server.channels.channelCount).toBe(0)
    const bob = await server.connect('bob@red')
    await bob.ask(asks)
    memory.write([{ id: 'a', row: task('red') }])
    expect(JSON.stringify(await bob.take())).toContain('"id":"a"')
    await clock.advance(2_000)
    return { server, memory, clock, bob, teams }
  }

  test('whoever has the row loses it when it may not be seen any more', async () => {
    const { server, memory, bob, teams } = await setUp()
    const cid = await server.connect('cid@blue')
    await cid.ask(asks)
    memory.write([{ id: 'secret', row: task('blue') }])
    await bob.take()
    teams.set('bob', 'green')
    await server.rightsChanged({ userId: 'bob' })
    const said = await bob.take()
    const left = said.filter(({ type }) => type === 'entity:deleted').map(({ payload }) => payload.id)
    expect(new Set(left)).toEqual(new Set(['a', 'filler']))
  })

  test('nobody is told the id of a row that they may never have seen', async () => {
    const { server, memory, bob } = await setUp()
    const cid = await server.connect('cid@blue')
    await cid.ask(asks)
    memory.write([{ id: 'secret', row: task('blue') }])
    memory.write([{ id: 'secret', row: { title: 'y' } }])
    expect(JSON.stringify(await bob.take())).not.toContain('secret')
  })
})

/** A connection that is being closed, and whose peer does not say that it has heard so: a second long it is there. */
async function closeUnheard(server: TestServer, client: TestClient): Promise<void> {
  client.pair.blackhole()
  server.connections.disconnect(client.id)
  await drainMicrotasks()
}

describe('while another tab of the same user is being closed', () => {
  const setUp = async () => {
    const seen = new Set(['red'])
    const server = createTestServer({
      policies: policies(
        allow(Task, (user: User | null) => user && { sees: (row: TaskRow) => seen.has(row.team) }),
      ),
    })
    return { server, seen, memory: server.memory, first: await server.connect('ann@red') }
  }

  test('what was read of the log by the rights of before is sent to nobody', async () => {
    const { server, seen, memory, first } = await setUp()
    memory.write([{ id: 'a', row: task('red') }])
    memory.write([{ id: 'b', row: task('red') }])
    let buffered = 0
    Object.defineProperty(first.pair.server, 'bufferedBytes', { get: () => buffered })
    memory.gate = (place) => void (place === 'history read' && (buffered = 700_000))
    first.send(subscribe({ position: at(0) }))
    await turns(server, first)
    await closeUnheard(server, first)
    seen.clear()
    await server.rightsChanged({ userId: 'ann' })
    const second = await server.connect('ann@red')
    second.send(subscribe({ position: at(0) }))
    expect(JSON.stringify(await turns(server, second))).not.toContain('"id":"a"')
  })

  test('nobody is told the id of a row that they never had', async () => {
    const { server, seen, memory, first } = await setUp()
    memory.write([{ id: 'a', row: task('red') }])
    await first.ask(asks)
    await closeUnheard(server, first)
    seen.clear()
    await server.rightsChanged({ userId: 'ann' })
    const second = await server.connect('ann@red')
    await second.ask(asks)
    memory.write([{ id: 'a', row: { title: 'y' } }])
    expect(await second.take()).toEqual([])
  })

  test('a gap: who resumes from before it misses nothing', async () => {
    const { server, memory, first } = await setUp()
    memory.write([{ id: 'a', row: task('red') }])
    let buffered = 0
    Object.defineProperty(first.pair.server, 'bufferedBytes', { get: () => buffered })
    memory.gate = (place) => void (place === 'history read' && (buffered = 700_000))
    first.send(subscribe({ position: at(0) }))
    await turns(server, first)
    memory.gate = null
    await closeUnheard(server, first)
    const { sink } = memory
    memory.sink = null
    memory.write([{ id: 'b', row: task('red') }])
    memory.sink = sink
    memory.trimTo(2)
    server.eventBus.skipTo({ position: memory.position() })
    const second = await server.connect('ann@red')
    second.send(subscribe({ position: at(0), snapshot: true }))
    expect(JSON.stringify(await turns(server, second))).toContain('"id":"b"')
  })
})

test('rights end for somebody whose group another has read ahead of the log: no id that was not shown', async () => {
  const rights = new Map([
    ['ann', 'red'],
    ['bob', 'red'],
  ])
  const server = createTestServer({
    policies: policies(
      allow(Task, async (user: User | null) => {
        const team = user && (rights.get(user.id) ?? 'none')
        return team === null ? null : { key: team, sees: (row: TaskRow) => row.team === team }
      }),
    ),
  })
  const { memory, clock } = server
  const ann = await server.connect('ann@red')
  const bob = await server.connect('bob@red')
  await ann.ask(asks)
  memory.write([{ id: 'secret', row: task('red') }], { publish: false })
  bob.send(asks)
  await clock.advance(60)
  expect(JSON.stringify(await bob.take())).toContain('secret')
  expect(JSON.stringify(await ann.take())).not.toContain('secret')
  rights.set('ann', 'none')
  const told = server.rightsChanged({ userId: 'ann' })
  // The log tells the others of the row while she is asked about.
  memory.publishRest()
  await told
  const said = JSON.stringify(await ann.take())
  expect(said).not.toContain('secret')
})

test('a row that was heard before the snapshot was read, and is hidden in it, is not named when rights change', async () => {
  const broken = new Set<string>()
  const teams = new Map<string, string>()
  const server = createTestServer({
    policies: policies(
      allow(Task, (user: User | null) => {
        const team = user && (teams.get(user.id) ?? user.team)
        const sees = (row: TaskRow): boolean => {
          if (broken.has(row.id)) throw new Error('no answer')
          return row.team === team
        }
        return team === null ? null : { key: team, sees }
      }),
    ),
  })
  const { memory } = server
  const ann = await server.connect('ann@red')
  const snapshot = gate(memory, 'snapshot')
  // One reading at a time: the second waits, and hears of the row.
  ann.send(subscribe({ snapshot: true, subscription: 'first' }))
  ann.send(asks)
  await snapshot.reached
  memory.write([{ id: 'secret', row: task('red') }])
  broken.add('secret')
  snapshot.open()
  await ann.take()
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  expect(JSON.stringify([ann.received, await ann.take()])).not.toContain('secret')
})

describe('all who share a key are asked about, and a row comes that its rule has shown, and does not show any more', () => {
  /** Rules that are looked up: their answer is that of when they were asked, and comes when it is let. */
  const setUp = async () => {
    const team = { current: 'red' }
    const keys = new Map<string, string>()
    const until = new Map<string, Promise<void>>()
    const server = createTestServer({
      policies: policies(
        allow(Task, async (user: User | null) => {
          const { current } = team
          await until.get(user?.id ?? '')
          return user && { key: keys.get(user.id) ?? 'shared', sees: (row: TaskRow) => row.team === current }
        }),
      ),
    })
    const ann = await server.connect('ann@red')
    await ann.ask(asks)
    const askAbout = (...ids: string[]): ((id: string) => void) => {
      const answers = new Map(ids.map((id) => [id, createDeferred()]))
      for (const [id, { promise }] of answers) until.set(id, promise)
      keys.set('ann', 'another')
      team.current = 'blue'
      void server.rightsChanged({ key: 'shared' })
      server.memory.write([{ id: 'hush', row: task('red') }])
      return (id) => answers.get(id)?.resolve()
    }
    /** Nobody has been told of it, so nobody is told that it has gone. */
    const hearsNothing = async (client: TestClient): Promise<void> => {
      await turns(server, client)
      server.memory.write([{ id: 'hush', row: { title: 'y' } }])
      await turns(server, client)
      expect(client.received.filter(({ payload }) => payload?.grant !== undefined)).not.toEqual([])
      expect(JSON.stringify(client.received)).not.toContain('hush')
    }
    return { server, ann, askAbout, hearsNothing }
  }

  test('somebody else gets another key first: no id that was not shown to who keeps theirs', async () => {
    const { server, ann, askAbout, hearsNothing } = await setUp()
    const bob = await server.connect('bob@red')
    await bob.ask(asks)
    const answer = askAbout('ann', 'bob')
    answer('ann')
    await turns(server, ann)
    answer('bob')
    await hearsNothing(bob)
  })

  test('who comes meanwhile is told no id that was not shown to them', async () => {
    const { server, ann, askAbout, hearsNothing } = await setUp()
    const answer = askAbout('ann')
    const bob = await server.connect('bob@red')
    await bob.ask(asks)
    answer('ann')
    await turns(server, ann)
    await hearsNothing(bob)
  })
})
