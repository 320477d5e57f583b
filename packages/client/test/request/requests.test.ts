import { ERROR_CODES, VersionConflict } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { readWireError } from '../../src/request/wire-error.ts'
import { settle, setUp } from '../setup.ts'

const write = {
  entity: 'Task',
  operation: 'update',
  id: 'a',
  fields: { title: 'x' },
  ifVersion: 3,
  mutationId: 'm1',
} as const

test('finds the answer to each request, in whatever order they come', async () => {
  await using t = await setUp()
  const [one, two] = [t.client.request({ type: 'a' }), t.client.request({ type: 'b' })]
  await settle()
  const [first, second] = t.server.peer.heard
  t.server.peer.say({ type: 'pong', requestId: second?.requestId })
  t.server.peer.say({ type: 'authenticated', requestId: first?.requestId, payload: {} })
  expect((await one).type).toBe('authenticated')
  expect((await two).type).toBe('pong')
})

test('a request without a connection, and one whose connection is lost, reject as disconnected and retryable', async () => {
  await using t = await setUp()
  const pending = expect(t.client.request({ type: 'a' })).rejects.toMatchObject({
    code: 'disconnected',
    retryable: true,
  })
  t.server.peer.pair.cut()
  await pending
  await expect(t.client.request({ type: 'a' })).rejects.toMatchObject({
    code: 'disconnected',
    retryable: true,
  })
  expect(t.clock.pendingTimers).toBe(1) // the next try
})

test('a request that is not answered in time rejects, and a late answer changes nothing', async () => {
  await using t = await setUp()
  const pending = expect(t.client.request({ type: 'a' }, { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'timeout',
    retryable: true,
  })
  await t.clock.advance(100)
  await pending
  t.server.peer.say({ type: 'pong', requestId: t.server.heard('a')[0]?.requestId })
  await settle()
  expect(t.errors).toEqual([])
})

test('the server’s refusal keeps its code, message and time to come back', async () => {
  await using t = await setUp()
  const pending = expect(t.client.request({ type: 'a' })).rejects.toMatchObject({
    code: 'rate_limited',
    message: 'slower',
    retryable: true,
    retryAfterMs: 50,
    details: { limit: 1 },
  })
  await settle()
  const payload = { code: 'rate_limited', message: 'slower', retryAfterMs: 50, details: { limit: 1 } }
  t.server.peer.say({ type: 'error', requestId: t.server.heard('a')[0]?.requestId, payload })
  await pending
})

test('a word that a full room refuses is told to the room, and refuses nothing else that is under way', async () => {
  await using t = await setUp()
  const heard: unknown[] = []
  await t.client.subscribe('room:a', { message: (message) => heard.push(message.type) }).ready
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  const pending = t.client.mutate(write)
  t.client.send({ type: 'message', channel: 'room:a', payload: 'hello' })
  await settle()
  const payload = { code: 'rate_limited', message: 'Too much talk in this room.', retryAfterMs: 500 }
  t.server.peer.say({ type: 'error', channel: 'room:a', payload })
  const [question] = t.server.heard('subscribe').slice(-1)
  if (question) t.server.answer(t.server.peer, question)
  const position = { epoch: 'e1', offset: 9 }
  const requestId = t.server.heard('mutate')[0]?.requestId
  t.server.peer.say({ type: 'mutated', requestId, position, payload: { mutationId: 'm1' } })
  expect(await pending).toMatchObject({ position })
  expect([heard, tasks.status.value]).toEqual([['error'], 'live'])
})

test('frames above the connection’s rate refuse everything that was sent and is not answered', async () => {
  await using t = await setUp()
  const refused = { code: 'rate_limited', retryable: true, retryAfterMs: 500 }
  const pending = expect(t.client.mutate(write)).rejects.toMatchObject(refused)
  await settle()
  const payload = { code: 'rate_limited', message: 'Slower.', retryAfterMs: 500 }
  t.server.peer.say({ type: 'error', payload })
  await pending
})

test('a write is sent once and answered with its row and position', async () => {
  await using t = await setUp()
  const pending = t.client.mutate(write)
  await settle()
  const [sent] = t.server.heard('mutate')
  expect(sent?.payload).toEqual(write)
  const row = { id: 'a', version: 4, title: 'x' }
  t.server.peer.say({
    type: 'mutated',
    requestId: sent?.requestId,
    position: { epoch: 'e1', offset: 9 },
    payload: { mutationId: 'm1', row },
  })
  expect(await pending).toEqual({ position: { epoch: 'e1', offset: 9 }, row, visible: true })
})

test('a created row carries its id among the fields; without a row in the answer the write is not visible to its author', async () => {
  await using t = await setUp()
  const pending = t.client.mutate({
    entity: 'Task',
    operation: 'create',
    id: 'n',
    fields: { title: 'x' },
    mutationId: 'm2',
  })
  await settle()
  const [sent] = t.server.heard('mutate')
  expect(sent?.payload?.['fields']).toEqual({ title: 'x', id: 'n' })
  t.server.peer.say({
    type: 'mutated',
    requestId: sent?.requestId,
    position: { epoch: 'e1', offset: 9 },
    payload: { mutationId: 'm2' },
  })
  expect(await pending).toMatchObject({ row: null, visible: false })
})

test('a write has its dates and bigints sent as text, as rows carry them', async () => {
  await using t = await setUp()
  const fields = { size: 9_007_199_254_740_993n, due: new Date(0), title: null, tags: { counts: [1n, 2] } }
  const refused = t.client.mutate({ ...write, fields }).catch((error: unknown) => error)
  await settle()
  const [sent] = t.server.heard('mutate')
  expect(sent?.payload?.['fields']).toEqual({
    size: '9007199254740993',
    due: '1970-01-01T00:00:00.000Z',
    title: null,
    tags: { counts: ['1', 2] },
  })
  t.client.close()
  expect(await refused).toMatchObject({ code: 'disconnected' })
})

test('a deletion has no row and is visible', async () => {
  await using t = await setUp()
  const pending = t.client.mutate({ entity: 'Task', operation: 'delete', id: 'n', mutationId: 'm3' })
  await settle()
  t.server.peer.say({
    type: 'mutated',
    requestId: t.server.heard('mutate')[0]?.requestId,
    position: { epoch: 'e1', offset: 9 },
    payload: { mutationId: 'm3' },
  })
  expect(await pending).toMatchObject({ row: null, visible: true })
})

test('a conflict brings the current row', async () => {
  await using t = await setUp()
  const pending = t.client.mutate(write).catch((error: unknown) => error)
  await settle()
  const payload = {
    code: 'version_conflict',
    message: 'moved on',
    details: { expectedVersion: 3, currentVersion: 5, current: { id: 'a', version: 5 } },
  }
  t.server.peer.say({ type: 'error', requestId: t.server.heard('mutate')[0]?.requestId, payload })
  const error = await pending
  expect(error).toBeInstanceOf(VersionConflict)
  expect(error).toMatchObject({ current: { id: 'a', version: 5 } })
})

test('an aborted write rejects as cancelled, before and after it was sent', async () => {
  await using t = await setUp()
  await expect(t.client.mutate(write, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  })
  expect(t.server.heard('mutate')).toHaveLength(0)
  const abort = new AbortController()
  const pending = expect(t.client.mutate(write, { signal: abort.signal })).rejects.toMatchObject({
    code: 'cancelled',
  })
  await settle()
  abort.abort()
  await pending
})

test('of all codes, these may pass by themselves', () => {
  const isRetryable = (code: string): boolean =>
    readWireError({ type: 'error', timestamp: 0, payload: { code, message: '' } }).retryable
  expect(ERROR_CODES.filter(isRetryable)).toEqual([
    'too_many_connections',
    'rate_limited',
    'slow_consumer',
    'transaction_timeout',
    'timeout',
    'disconnected',
    'draining',
    'busy',
  ])
})
