// What is sent of each kind of change, on each way to a reader, to one who sees whole rows, to one who sees some of their fields,
// and to one who sees none.
import { silentLogger } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createAuthenticator } from '../../src/connection/authenticate.ts'
import { createHttpHandler } from '../../src/http/http-handler.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow, type Rule } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'
import { createMemoryStore, type Write } from '../support/memory-store.ts'
import { authenticate, createTestServer, noWrites, type TestServer } from '../support/test-server.ts'

const RULES: Readonly<Record<string, Rule<TaskRow>>> = {
  full: { sees: (row) => row.team === 'red' },
  redacted: { sees: (row) => row.team === 'red', fields: ['title', 'team'] },
  hidden: { sees: () => false },
}
type View = keyof typeof RULES

const shown = (id: string, version: number, title = 'x') => ({ id, version, title, team: 'red' })
const created = (id: string) => ['entity:created', shown(id, 1)]
const left = (id: string) => ['entity:deleted left', { id }]
const deleted = ['entity:deleted', { id: 'r', version: 2 }]
const entered = ['entity:created entered', shown('b', 2)]
const updated = ['entity:updated', shown('r', 2, 'y')]
const r = shown('r', 1)
const fields = (team: string, title = 'x') => ({ team, title, secret: 'SECRET' })

/** The filter of the collection is `title = x`; the record is the one that is named. */
const KINDS: Readonly<
  Record<
    string,
    {
      writes: Write[]
      record: string
      events: unknown[]
      ofRecord?: unknown[]
      filtered?: unknown[]
      rows: object[]
    }
  >
> = {
  create: {
    writes: [{ id: 'n', row: fields('red') }],
    record: 'n',
    events: [created('n')],
    rows: [shown('n', 1), r],
  },
  'update in place': {
    writes: [{ id: 'r', row: { title: 'y' } }],
    record: 'r',
    events: [updated],
    filtered: [left('r')],
    rows: [shown('r', 2, 'y')],
  },
  'update leaving': {
    writes: [{ id: 'r', row: { team: 'blue' } }],
    record: 'r',
    events: [left('r')],
    rows: [],
  },
  'update entering': {
    writes: [{ id: 'b', row: { team: 'red' } }],
    record: 'b',
    events: [entered],
    rows: [shown('b', 2), r],
  },
  delete: { writes: [{ id: 'r', row: null }], record: 'r', events: [deleted], rows: [] },
  bulk: {
    writes: [
      { id: 'n', row: fields('red') },
      { id: 'r', row: null },
      { id: 'm', row: fields('blue') },
    ],
    record: 'r',
    events: [created('n'), deleted],
    ofRecord: [deleted],
    rows: [shown('n', 1)],
  },
}

function serverFor(view: View): TestServer {
  const memory = createMemoryStore()
  memory.write([
    { id: 'r', row: fields('red') },
    { id: 'b', row: fields('blue') },
  ])
  return createTestServer({
    memory,
    policies: policies(allow(Task, (user: User | null) => user && RULES[view])),
  })
}

type Way = (server: TestServer, write: () => void, kind: (typeof KINDS)[string]) => Promise<unknown[]>

const listening =
  (channelOf: (record: string) => string, payload: object = {}): Way =>
  async (server, write, { record }) => {
    const ann = await server.connect('ann@red')
    await ann.ask({ type: 'subscribe', channel: channelOf(record), payload })
    write()
    return (await ann.take()).map(({ type, reason, payload: sent }) => [
      [type, reason].filter(Boolean).join(' '),
      sent,
    ])
  }

const WAYS: Readonly<Record<string, Way>> = {
  'entity channel': listening(() => 'entity:Task'),
  'record channel': listening((record) => `entity:Task:${record}`),
  'filtered collection': listening(() => 'entity:Task', { snapshot: true, query: { where: { title: 'x' } } }),
  async replay(server, write) {
    const position = server.memory.position()
    write()
    const ann = await server.connect('ann@red')
    await ann.take()
    const [, ...events] = await ann.ask({ type: 'subscribe', channel: 'entity:Task', payload: { position } })
    return events.map(({ type, reason, payload }) => [[type, reason].filter(Boolean).join(' '), payload])
  },
  async snapshot(server, write) {
    write()
    const ann = await server.connect('ann@red')
    const answers = await ann.ask({ type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true } })
    return answers.flatMap(({ payload }) => payload.snapshot.rows)
  },
  async HTTP(server, write) {
    write()
    const { clock, memory } = server
    const handler = createHttpHandler({
      stores: [memory.store as never],
      policies: server.policies,
      writes: noWrites,
      authenticator: createAuthenticator({ authenticate, clock, logger: silentLogger }),
      basePath: '/api',
    })
    const headers = { authorization: 'Bearer ann@red' }
    const answer = await handler(new Request('http://localhost/api/Task', { headers }))
    return ((await answer.json()) as { rows: { id: string }[] }).rows.toSorted((a, b) =>
      a.id < b.id ? -1 : 1,
    )
  },
}

/** The cell, from what is seen without the fields that only whole rows have. */
function expectedOf(way: string, kind: (typeof KINDS)[string], view: View): unknown[] {
  if (view === 'hidden') return []
  const { events, ofRecord = events, filtered = events, rows } = kind
  const cells: Readonly<Record<string, unknown[]>> = {
    'record channel': ofRecord,
    'filtered collection': filtered,
    snapshot: rows,
    HTTP: rows,
  }
  const cell = cells[way] ?? events
  return view === 'redacted' ? cell : (withSecrets(cell) as unknown[])
}

function withSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSecrets)
  if (typeof value !== 'object' || value === null || !('title' in value)) return value
  return { ...value, secret: 'SECRET', due: null }
}

const cells = Object.keys(KINDS).flatMap((kind) =>
  Object.keys(WAYS).flatMap((way) => Object.keys(RULES).map((view) => [kind, way, view] as const)),
)

test.each(cells)('%s, by %s, to a reader whose sight is %s', async (kindName, wayName, view) => {
  const kind = KINDS[kindName]
  const way = WAYS[wayName]
  if (kind === undefined || way === undefined) throw new Error('no such cell')
  const server = serverFor(view)
  const sent = await way(server, () => void server.memory.write(kind.writes), kind)
  expect(sent).toEqual(expectedOf(wayName, kind, view))
  if (view !== 'full') expect(JSON.stringify(sent)).not.toContain('SECRET')
})
