// Names that somebody else has chosen, wherever a name may stand: each is data, or is refused with a code.
import { expect, test } from 'vitest'
import { task } from '../writes/fixtures.ts'
import { setting } from '../http/setting.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

const NAMES: Readonly<Record<string, string>> = {
  __proto__: '__proto__',
  constructor: 'constructor',
  'an inherited method': 'hasOwnProperty',
  quotes: `o'br"ien\`--`,
  'a backslash': 'a\\b',
  'a wildcard': '*',
  NUL: 'ann\u0000',
  'a line break': 'ann\r\nset-cookie: x=1',
  'half of a pair': 'ann\ud800',
  '10,000 characters': 'x'.repeat(10_000),
  'a homoglyph of ann': '\u0430nn',
  'ann and nothing to be seen': 'ann\u200b',
  'ann in capitals': 'ANN',
  nothing: '',
}

/** Frames with the name in one place. */
const PLACES: Readonly<Record<string, (name: string) => object>> = {
  entity: (name) => ({ type: 'subscribe', channel: `entity:${name}` }),
  record: (name) => ({ type: 'subscribe', channel: `entity:Task:${name}` }),
  'user channel': (name) => ({ type: 'subscribe', channel: `user:${name}` }),
  room: (name) => ({ type: 'subscribe', channel: `room:${name}` }),
  presence: (name) => ({ type: 'subscribe', channel: `presence:${name}` }),
  'subscription key': (name) => ({
    type: 'subscribe',
    channel: 'entity:Task',
    payload: { subscription: name },
  }),
  'filter field': (name) => ({
    type: 'subscribe',
    channel: 'entity:Task',
    payload: { query: { where: Object.fromEntries([[name, 'x']]) } },
  }),
  'filter operator': (name) => ({
    type: 'subscribe',
    channel: 'entity:Task',
    payload: { query: { where: { title: Object.fromEntries([[name, 'x']]) } } },
  }),
  'filter value': (name) => ({
    type: 'subscribe',
    channel: 'entity:Task',
    payload: { query: { where: { title: name } } },
  }),
  epoch: (name) => ({
    type: 'subscribe',
    channel: 'entity:Task',
    payload: { position: { epoch: name, offset: 0 } },
  }),
  'name of rights': (name) => ({ type: 'subscribe', channel: 'entity:Task', payload: { grant: name } }),
  'entity of a write': (name) => mutate({ entity: name }),
  'id of a write': (name) => mutate({ id: name }),
  'field of a write': (name) => mutate({ fields: Object.fromEntries([[name, 'x']]) }),
  'mutation id': (name) => mutate({ mutationId: name }),
  type: (name) => ({ type: name }),
}

function mutate(payload: object): object {
  const write = { operation: 'update', entity: 'Task', id: 't1', fields: { title: 'x' }, mutationId: 'm1' }
  return { type: 'mutate', payload: { ...write, ...payload } }
}

test.each(Object.keys(PLACES).flatMap((place) => Object.keys(NAMES).map((name) => [place, name] as const)))(
  'socket: as %s, %s is data or a clear error',
  async (place, name) => {
    const client = await createTestServer().connect('ann@red')
    const [answer, ...more] = await client.ask({
      ...(PLACES[place] as (text: string) => object)(NAMES[name] as string),
      requestId: 'r1',
    })
    expect(more).toEqual([])
    if (answer?.type === 'error') expect(answer.payload.code).not.toBe('internal')
    else expect(answer?.type).toBe('subscribed')
    if (place.includes('channel') || place === 'room' || place === 'presence')
      expect(answer?.type).toBe('error')
    expect(typesOf(await client.ask({ type: 'ping' }))).toEqual(['pong'])
    expect(Object.keys(Object.prototype)).toEqual([])
  },
)

const PATHS: Readonly<Record<string, (name: string) => string>> = {
  entity: (name) => `/api/${encodeURIComponent(name)}`,
  id: (name) => `/api/Task/${encodeURIComponent(name)}`,
  'filter field': (name) => list('where', Object.fromEntries([[name, 'x']])),
  'filter operator': (name) => list('where', { title: Object.fromEntries([[name, 'x']]) }),
  'filter value': (name) => list('where', { title: name }),
  'sort key': (name) => list('orderBy', [[name, 'asc']]),
  direction: (name) => list('orderBy', [['title', name]]),
  parameter: (name) => `/api/Task?${new URLSearchParams([[name, 'x']]).toString()}`,
}

function list(parameter: string, value: unknown): string {
  return `/api/Task?${new URLSearchParams([[parameter, JSON.stringify(value)]]).toString()}`
}

test.each(Object.keys(PATHS).flatMap((place) => Object.keys(NAMES).map((name) => [place, name] as const)))(
  'HTTP: as %s, %s is data or a clear error',
  async (place, name) => {
    // A path with half of a pair cannot be written down at all.
    const text = (NAMES[name] as string).toWellFormed()
    const { ask, logged } = setting([task('t1')])
    const { status, body } = await ask((PATHS[place] as (each: string) => string)(text))
    expect(status).toBeLessThan(500)
    if (status !== 200) expect(body.code).toMatch(/^(not_found|bad_query|bad_request)$/)
    expect(logged).toEqual([])
  },
)

test.each(Object.entries(NAMES).filter(([, name]) => name !== ''))(
  'a user called %s hears their own channel or none, and never that of ann',
  async (_, id) => {
    const server = createTestServer({ authenticate: ({ token }) => ({ id: token ?? '', team: 'red' }) })
    const other = await server.connect(id)
    const answers = await other.ask({ type: 'subscribe', channel: 'user:ann' })
    if (other.closed === null)
      expect(answers[0]).toMatchObject({ type: 'error', payload: { code: 'forbidden' } })
    server.connections.sendToUser('ann', { type: 'message', payload: 'MARK' })
    expect(JSON.stringify(await other.take())).not.toContain('MARK')
    const ann = await server.connect('ann')
    await ann.take()
    expect(typesOf(await ann.ask({ type: 'ping' }))).toEqual(['pong'])
  },
)
