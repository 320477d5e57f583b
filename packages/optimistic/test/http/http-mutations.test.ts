import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { DnrError, VersionConflict } from '@dnr/protocol'
import { expect, test, vi } from 'vitest'
import { httpMutations, type HttpMutationsOptions } from '../../src/http/http-mutations.ts'
import type { MutationRequest } from '../../src/index.ts'

const update: MutationRequest = {
  entity: 'Task',
  operation: 'update',
  id: 'a/b',
  fields: { title: 'x' },
  mutationId: 'm1',
}
const row = { id: 'a/b', version: 4, title: 'x' }
const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(body === null ? null : JSON.stringify(body), { status, headers })

/** A transport whose server gives these responses, one after the other; `calls` are the requests. */
function setup(responses: readonly (Response | Error)[], options: Partial<HttpMutationsOptions> = {}) {
  const clock = createManualClock({ now: Date.parse('2026-01-01T00:00:00Z') })
  const queue = [...responses]
  const fetch = vi.fn((_url: string, _init: RequestInit) => {
    const next = queue.shift()
    if (next === undefined) return new Promise<Response>(() => {})
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
  })
  return { clock, fetch, transport: httpMutations({ url: '/api', fetch, clock, ...options }) }
}

test.each<{
  name: string
  mutation: MutationRequest
  method: string
  url: string
  body: unknown
  headers: object
}>([
  {
    name: 'a creation with its id',
    mutation: { ...update, operation: 'create', id: 'a' },
    method: 'POST',
    url: '/api/Task',
    body: { title: 'x', id: 'a' },
    headers: { 'Idempotency-Key': 'm1', 'Content-Type': 'application/json' },
  },
  {
    name: 'an update with its version',
    mutation: { ...update, ifVersion: 3 },
    method: 'PATCH',
    url: '/api/Task/a%2Fb',
    body: { title: 'x' },
    headers: { 'Idempotency-Key': 'm1', 'Content-Type': 'application/json', 'If-Match': '"3"' },
  },
  {
    name: 'a deletion without a body',
    mutation: { entity: 'Task', operation: 'delete', id: 'a', mutationId: 'm1' },
    method: 'DELETE',
    url: '/api/Task/a',
    body: undefined,
    headers: { 'Idempotency-Key': 'm1' },
  },
])('sends $name', async ({ mutation, method, url, body, headers }) => {
  const { transport, fetch, clock } = setup([json(200, row)])
  await transport.mutate(mutation)
  const [target, init] = fetch.mock.calls[0] ?? []
  expect([target, init?.method, init?.headers]).toEqual([url, method, headers])
  expect(init?.body === undefined ? undefined : JSON.parse(init.body as string)).toEqual(body)
  expect(clock.pendingTimers).toBe(0)
})

test('answers with row and position; connected is always true', async () => {
  const { transport } = setup([json(200, row, { 'DNR-Position': 'e1:7' })])
  expect(await transport.mutate(update)).toEqual({ row, position: { epoch: 'e1', offset: 7 }, visible: true })
  expect(transport.connected.value).toBe(true)
})

test('204 is a deletion, or a result that its author may not see', async () => {
  const { transport } = setup([json(204, null, { 'DNR-Position': 'e1:8' }), json(204, null)])
  expect(await transport.mutate(update)).toEqual({
    row: null,
    position: { epoch: 'e1', offset: 8 },
    visible: false,
  })
  expect(await transport.mutate({ ...update, operation: 'delete' })).toEqual({
    row: null,
    position: null,
    visible: true,
  })
})

test('412 is a VersionConflict with the current row', async () => {
  const { transport } = setup([json(412, { code: 'version_conflict', detail: 'moved', current: row })])
  const error = await transport.mutate({ ...update, ifVersion: 3 }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(VersionConflict)
  expect((error as VersionConflict).current).toEqual(row)
})

test('rows come in the form of the views: stored ones, and the current one of a conflict', async () => {
  const dated = { ...row, due: '2026-01-01T00:00:00.000Z' }
  const rows = {
    Task: { decode: (wire: object) => ({ ...wire, due: new Date((wire as typeof dated).due) }) },
  }
  const { transport } = setup([json(200, dated), json(412, { current: dated }), json(200, dated)], { rows })
  const expected = { ...row, due: new Date(dated.due) }
  expect(await transport.mutate(update)).toMatchObject({ row: expected, visible: true })
  await expect(transport.mutate(update)).rejects.toMatchObject({ current: expected })
  expect(await transport.mutate({ ...update, entity: 'Note' })).toMatchObject({ row: dated })
})

test('a stored row that cannot be read counts as hidden, a conflict with one is final', async () => {
  const decode = (): never => {
    throw new Error('boom')
  }
  const responses = [json(200, row), json(412, { code: 'version_conflict', current: row })]
  const { transport } = setup(responses, { rows: { Task: { decode } } })
  expect(await transport.mutate(update)).toMatchObject({ row: null, visible: false })
  await expect(transport.mutate(update)).rejects.toMatchObject({ code: 'version_conflict', retryable: false })
})

test.each([
  { status: 403, body: { code: 'forbidden', detail: 'not yours' }, code: 'forbidden', retryable: false },
  {
    status: 422,
    body: { code: 'bad_field', detail: 'long', errors: [{ path: 'title' }] },
    code: 'bad_field',
    retryable: false,
  },
  {
    status: 422,
    body: { code: 'idempotency_key_reused', detail: 'x' },
    code: 'mutation_id_reused',
    retryable: false,
  },
  { status: 409, body: { code: 'id_taken', detail: 'x' }, code: 'id_taken', retryable: false },
  { status: 429, body: { code: 'rate_limited', detail: 'x' }, code: 'rate_limited', retryable: true },
  { status: 404, body: '<html>', code: 'not_found', retryable: false },
  { status: 502, body: '<html>', code: 'disconnected', retryable: true },
  { status: 500, body: '<html>', code: 'internal', retryable: false },
])('$status with $body is $code (D59)', async ({ status, body, code, retryable }) => {
  const { transport } = setup([
    typeof body === 'string' ? new Response(body, { status }) : json(status, body),
  ])
  const error = await transport.mutate(update).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DnrError)
  expect(error).toMatchObject({ code, retryable })
  if (typeof body !== 'string' && 'errors' in body)
    expect(error).toMatchObject({ details: { errors: body.errors } })
})

test.each([
  { header: '3', retryAfterMs: 3_000 },
  { header: 'Thu, 01 Jan 2026 00:01:00 GMT', retryAfterMs: 60_000 },
  { header: 'Wed, 01 Jan 2025 00:00:00 GMT', retryAfterMs: 0 },
  { header: 'soon', retryAfterMs: undefined },
])('Retry-After: $header is $retryAfterMs ms', async ({ header, retryAfterMs }) => {
  const { transport } = setup([json(503, { code: 'draining', detail: 'x' }, { 'Retry-After': header })])
  const error = await transport.mutate(update).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'draining', retryable: true })
  expect((error as DnrError).retryAfterMs).toBe(retryAfterMs)
})

test('the token goes with every request; after a 401 a renewed one is tried once, under the same key', async () => {
  const tokens = ['old', 'new']
  const { transport, fetch } = setup([json(401, { code: 'token_expired', detail: 'x' }), json(200, row)], {
    getToken: () => Promise.resolve(tokens.shift() ?? 'new'),
  })
  await transport.mutate(update)
  expect(fetch.mock.calls.map(([, { headers }]) => headers)).toMatchObject([
    { Authorization: 'Bearer old', 'Idempotency-Key': 'm1' },
    { Authorization: 'Bearer new', 'Idempotency-Key': 'm1' },
  ])
})

test('a 401 with the same token again is an error, with its code', async () => {
  const { transport, fetch } = setup([json(401, { code: 'token_expired', detail: 'x' })], {
    getToken: () => 'old',
  })
  await expect(transport.mutate(update)).rejects.toMatchObject({ code: 'token_expired' })
  expect(fetch).toHaveBeenCalledTimes(1)
})

test('an unreachable server and a broken answer are retryable, with their cause', async () => {
  const cause = new TypeError('fetch failed')
  const { transport } = setup([cause, new Response('{"id"', { status: 200 })])
  await expect(transport.mutate(update)).rejects.toMatchObject({
    code: 'disconnected',
    retryable: true,
    cause,
  })
  await expect(transport.mutate(update)).rejects.toMatchObject({ code: 'disconnected', retryable: true })
})

const loop: Record<string, unknown> = {}
loop['loop'] = loop

test.each<{ name: string; mutation: MutationRequest; cause: unknown }>([
  {
    name: 'what holds itself',
    mutation: { ...update, fields: loop },
    cause: expect.any(TypeError),
  },
  {
    name: 'half a character in an id',
    mutation: { ...update, id: '\ud800' },
    cause: expect.any(URIError),
  },
])('what cannot be written down is refused for good, and nothing is asked: $name', async (each) => {
  const { transport, fetch, clock } = setup([json(200, row)])
  await expect(transport.mutate(each.mutation)).rejects.toMatchObject({
    code: 'bad_message',
    retryable: false,
    cause: each.cause,
  })
  expect([fetch.mock.calls, clock.pendingTimers]).toEqual([[], 0])
})

test('no answer in time is retryable; an aborted write is cancelled; no timer is left', async () => {
  const fetch = (_url: string, { signal }: RequestInit): Promise<Response> =>
    new Promise((_resolve, reject) => {
      if (signal?.aborted) reject(new Error('aborted'))
      signal?.addEventListener('abort', () => reject(new Error('aborted')))
    })
  const { transport, clock } = setup([], { fetch, timeoutMs: 1_000 })
  const late = expect(transport.mutate(update)).rejects.toMatchObject({ code: 'timeout', retryable: true })
  await clock.advance(1_000)
  await late
  const controller = new AbortController()
  const cancelled = expect(transport.mutate(update, { signal: controller.signal })).rejects.toMatchObject({
    code: 'cancelled',
  })
  await drainMicrotasks()
  controller.abort()
  await cancelled
  await expect(transport.mutate(update, { signal: controller.signal })).rejects.toMatchObject({
    code: 'cancelled',
  })
  expect(clock.pendingTimers).toBe(0)
})

test('a token that does not come in time is a timeout; with one that comes later nothing is sent', async () => {
  let give = (_token: string): void => {}
  const getToken = (): Promise<string> => new Promise((resolve) => (give = resolve))
  const { transport, fetch, clock } = setup([json(200, row)], { getToken, timeoutMs: 1_000 })
  const late = expect(transport.mutate(update)).rejects.toMatchObject({ code: 'timeout', retryable: true })
  await drainMicrotasks()
  await clock.advance(1_000)
  await late
  give('late')
  await drainMicrotasks()
  expect([fetch.mock.calls, clock.pendingTimers]).toEqual([[], 0])
})

test('a fetch that does not end when it is aborted holds nothing either', async () => {
  const { transport, clock } = setup([], { timeoutMs: 1_000 })
  const late = expect(transport.mutate(update)).rejects.toMatchObject({ code: 'timeout' })
  await drainMicrotasks()
  await clock.advance(1_000)
  await late
  const controller = new AbortController()
  const cancelled = expect(transport.mutate(update, { signal: controller.signal })).rejects.toMatchObject({
    code: 'cancelled',
  })
  controller.abort()
  await cancelled
})
