import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { task } from '../writes/fixtures.ts'
import { setting } from './setting.ts'

const json = { 'content-type': 'application/json' }

test('creates, reads, changes and deletes a row', async () => {
  const { ask } = setting()
  const created = await ask('/api/Task', { method: 'POST', json: { id: 'a/b', title: 'Buy milk' } })
  expect(created.status).toBe(201)
  expect(created.body).toMatchObject({ id: 'a/b', title: 'Buy milk', version: 1, due: null, views: '0' })
  expect(created.headers.get('location')).toBe('/api/Task/a%2Fb')
  expect(created.headers.get('etag')).toBe('"1"')
  expect(created.headers.get('dnr-position')).toBe('e1:1')
  expect(created.headers.get('x-content-type-options')).toBe('nosniff')
  expect(created.headers.get('content-type')).toBe('application/json')

  const read = await ask('/api/Task/a%2Fb')
  expect([read.status, read.headers.get('etag'), read.body]).toEqual([200, '"1"', created.body])

  const patched = await ask('/api/Task/a%2Fb', {
    method: 'PATCH',
    json: { title: 'Buy oats' },
    headers: { 'if-match': '"1"' },
  })
  expect([
    patched.status,
    patched.body.title,
    patched.headers.get('etag'),
    patched.headers.get('dnr-position'),
  ]).toEqual([200, 'Buy oats', '"2"', 'e1:2'])

  const deleted = await ask('/api/Task/a%2Fb', { method: 'DELETE', headers: { 'if-match': '*' } })
  expect([
    deleted.status,
    deleted.text,
    deleted.headers.get('dnr-position'),
    deleted.headers.get('etag'),
  ]).toEqual([204, '', 'e1:3', null])
  expect((await ask('/api/Task/a%2Fb')).status).toBe(404)
})

test('HEAD answers as GET does, without the body', async () => {
  const { handler, ask } = setting([task('t1')])
  const full = await ask('/api/Task/t1')
  const head = await handler(
    new Request('http://localhost/api/Task/t1', { method: 'HEAD', headers: { authorization: 'Bearer ann' } }),
  )
  expect(head.body).toBeNull()
  expect(head.headers.get('etag')).toBe('"1"')
  expect(head.headers.get('content-length')).toBe(full.headers.get('content-length'))
})

test.each([
  ['no token', { authorization: '' }, 'unauthorized', 'Bearer'],
  ['another scheme', { authorization: 'Basic YTpi' }, 'unauthorized', 'Bearer'],
  ['a bad token', { authorization: 'Bearer forged' }, 'unauthorized', 'Bearer'],
  ['an expired token', { authorization: 'Bearer old' }, 'token_expired', 'Bearer error="invalid_token"'],
])('%s gets 401, whatever is asked for', async (_name, headers, code, challenge) => {
  const { ask } = setting([task('t1')], () => true)
  for (const path of ['/api/Task', '/api/Task/t1', '/api/Task/absent', '/api/Nope']) {
    const { status, body, headers: answered } = await ask(path, { headers })
    expect([status, body.code, answered.get('www-authenticate')]).toEqual([401, code, challenge])
    expect(answered.get('content-type')).toBe('application/problem+json')
  }
})

test('an authentication that fails is 500 and tells nothing', async () => {
  const { ask, logged } = setting()
  const { status, text } = await ask('/api/Task', { headers: { authorization: 'Bearer broken' } })
  expect(status).toBe(500)
  expect(text).not.toContain('parse')
  expect(JSON.stringify(logged)).not.toContain('cannot parse broken')
})

test('a cookie is enough for authenticate, but a form of another page is not', async () => {
  const { ask } = setting()
  const headers = { cookie: 'theme=dark; session=ann; session=forged' }
  expect((await ask('/api/Task', { headers })).status).toBe(200)
  const body = '{"title":"x"}'
  expect(
    (await ask('/api/Task', { method: 'POST', body, headers: { ...headers, 'content-type': 'text/plain' } }))
      .status,
  ).toBe(400)
  expect((await ask('/api/Task', { method: 'POST', body, headers: { ...headers, ...json } })).status).toBe(
    201,
  )
  expect((await ask('/api/Task', { method: 'POST', body })).status).toBe(201)
})

test('what is not seen is not there, in the same words', async () => {
  const { ask } = setting([task('theirs', { team: 'blue' })])
  const answers = await Promise.all([
    ask('/api/Task/theirs'),
    ask('/api/Task/absent'),
    ask('/api/Nope/theirs'),
    ask('/api/Task/theirs', { method: 'PATCH', json: { nonsense: 1 } }),
    ask('/api/Task/theirs', { method: 'PATCH', json: { title: 'x' }, headers: { 'if-match': '"9"' } }),
    ask('/api/Task/absent', { method: 'DELETE' }),
    ask('/api/Task/theirs', { method: 'DELETE' }),
    ask('/api/Nope', { method: 'POST', json: { title: 'x' } }),
  ])
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers[0]).toMatchObject({
    status: 404,
    body: { code: 'not_found', status: 404, type: 'urn:dnr:error:not_found' },
  })
})

test.each([
  '/api',
  '/api/',
  '/apiTask',
  '/api/Task/',
  '/api/Task/a/b',
  '/api/1Task',
  '/other/Task',
  '/api/__proto__',
  '/api/Task/%00',
  '//api/Task',
])('%s is 404', async (path) => {
  expect((await setting().ask(path)).status).toBe(404)
})

test('a broken escape in the path is 400', async () => {
  const { status, body } = await setting().ask('/api/Task/%ff')
  expect([status, body.code]).toEqual([400, 'bad_request'])
})

test('another method is 405 and says which there are', async () => {
  const { ask } = setting()
  const rows = await ask('/api/Task', { method: 'DELETE' })
  expect([rows.status, rows.headers.get('allow'), rows.body.code]).toEqual([
    405,
    'GET, HEAD, POST',
    'method_not_allowed',
  ])
  const row = await ask('/api/Task/t1', { method: 'POST', json: {} })
  expect([row.status, row.headers.get('allow')]).toEqual([405, 'GET, HEAD, PATCH, DELETE'])
})

test.each<[string, string, number, string]>([
  ['no JSON', 'title=x', 400, 'bad_json'],
  ['nothing', '', 400, 'bad_json'],
  ['a list', '[]', 400, 'bad_request'],
  ['null', 'null', 400, 'bad_request'],
  ['a key named __proto__', '{"title":"x","__proto__":{"admin":true}}', 400, 'bad_message'],
  ['deep nesting', `{"title":${'['.repeat(40)}${']'.repeat(40)}}`, 400, 'bad_message'],
  ['an unknown field', '{"title":"x","admin":true}', 422, 'bad_field'],
  ['the version', '{"title":"x","version":9}', 422, 'bad_field'],
  ['a bad value', '{"title":""}', 422, 'bad_field'],
  ['more than 64 KiB', JSON.stringify({ title: 'x'.repeat(65_536) }), 413, 'too_big'],
])('a body with %s is refused', async (_name, body, status, code) => {
  const { ask, store } = setting()
  const answer = await ask('/api/Task', { method: 'POST', body, headers: json })
  expect([answer.status, answer.body.code, answer.body.status]).toEqual([status, code, status])
  expect(store.rows.size).toBe(0)
})

test('bytes that are no text are refused', async () => {
  const { status, body } = await setting().ask('/api/Task', {
    method: 'POST',
    body: new Uint8Array([0x22, 0xff, 0x22]),
  })
  expect([status, body.code]).toEqual([400, 'bad_json'])
})

test('a body without an announced length is cut off while it streams', async () => {
  const { ask } = setting()
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++
      controller.enqueue(new Uint8Array(16_384))
    },
  })
  const { status } = await ask('/api/Task', { method: 'POST', body: endless })
  expect(status).toBe(413)
  expect(pulled).toBeLessThan(10)
})

test('a bad field is named with its path', async () => {
  const { body } = await setting().ask('/api/Task', { method: 'POST', json: { title: '' } })
  expect(body.errors).toEqual([{ path: 'title', message: expect.any(String) }])
})

test('PATCH {} is 422, and so is the id', async () => {
  const { ask } = setting([task('t1')])
  expect((await ask('/api/Task/t1', { method: 'PATCH', json: {} })).body.code).toBe('bad_field')
  expect((await ask('/api/Task/t1', { method: 'PATCH', json: { id: 't2' } })).body.code).toBe('bad_field')
})

test('a version that moved is 412 with the row as its reader may see it', async () => {
  const { ask } = setting(
    [task('t1', { salary: 100 })],
    (user) => user && { sees: () => true, fields: ['title'], update: true, delete: true },
  )
  const { status, body, headers } = await ask('/api/Task/t1', {
    method: 'PATCH',
    json: { title: 'x' },
    headers: { 'if-match': '"7"' },
  })
  expect([status, body.code, headers.get('etag')]).toEqual([412, 'version_conflict', '"1"'])
  expect(body.current).toEqual({ id: 't1', version: 1, title: 'Task t1' })
  expect((await ask('/api/Task/t1', { method: 'DELETE', headers: { 'if-match': '"2"' } })).status).toBe(412)
})

test.each(['3', 'W/"3"', '"3", "4"', '"x"', '"0001"', '"01"', '""', ''])(
  'If-Match: %s is not understood and refused',
  async (condition) => {
    const { ask } = setting([task('t1')])
    const { status, body } = await ask('/api/Task/t1', {
      method: 'DELETE',
      headers: { 'if-match': condition },
    })
    expect([status, body.code]).toEqual([400, 'bad_request'])
  },
)

test.each([
  ['If-None-Match', '*'],
  ['If-None-Match', '"1"'],
  ['If-Unmodified-Since', 'Wed, 21 Oct 2015 07:28:00 GMT'],
])('a write with %s: %s is refused, for its condition would not be kept', async (name, value) => {
  const { ask, store } = setting([task('t1')])
  const headers = { [name]: value }
  for (const answer of [
    await ask('/api/Task', { method: 'POST', json: { id: 't2', title: 'x' }, headers }),
    await ask('/api/Task/t1', { method: 'PATCH', json: { title: 'x' }, headers }),
    await ask('/api/Task/t1', { method: 'DELETE', headers }),
  ])
    expect([answer.status, answer.body.code]).toEqual([400, 'bad_request'])
  expect((await ask('/api/Task/t1')).body).toMatchObject({ title: 'Task t1', version: 1 })
  expect(store.rows.size).toBe(1)
})

test('a new row with If-Match is refused: it has no version yet', async () => {
  const { ask } = setting()
  const { status, body } = await ask('/api/Task', {
    method: 'POST',
    json: { id: 't1', title: 'x' },
    headers: { 'if-match': '"1"' },
  })
  expect([status, body.code]).toEqual([400, 'bad_request'])
  expect((await ask('/api/Task/t1')).status).toBe(404)
})

test('a forbidden write is 403, a forbidden field 422 by name, a taken id 409', async () => {
  const { ask } = setting(
    [task('t1')],
    (user) => user && { sees: () => true, create: true, update: ['title'] },
  )
  expect(await ask('/api/Task/t1', { method: 'DELETE' })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  })
  const field = await ask('/api/Task/t1', { method: 'PATCH', json: { salary: 1 } })
  expect(field).toMatchObject({
    status: 422,
    body: { code: 'forbidden_field', errors: [{ path: 'salary' }] },
  })
  expect(await ask('/api/Task', { method: 'POST', json: { id: 't1', title: 'x' } })).toMatchObject({
    status: 409,
    body: { code: 'id_taken' },
  })
})

test('a write that leaves the sight of its author is 204 with its position alone, and so is its repetition', async () => {
  const { ask } = setting([task('t1')])
  const handOver = { method: 'PATCH', json: { team: 'blue' }, headers: { 'idempotency-key': 'k1' } }
  for (const answer of [await ask('/api/Task/t1', handOver), await ask('/api/Task/t1', handOver)]) {
    expect([
      answer.status,
      answer.text,
      answer.headers.get('etag'),
      answer.headers.get('dnr-position'),
    ]).toEqual([204, '', null, 'e1:1'])
  }
})

test('an idempotency key makes repeating harmless', async () => {
  const { ask, store } = setting()
  const create = { method: 'POST', json: { title: 'x' }, headers: { 'idempotency-key': 'k1' } }
  const first = await ask('/api/Task', create)
  const again = await ask('/api/Task', create)
  expect([again.status, again.text]).toEqual([201, first.text])
  expect(store.rows.size).toBe(1)
  const other = await ask('/api/Task', { ...create, json: { title: 'y' } })
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  expect((await ask('/api/Task', { ...create, headers: { 'idempotency-key': 'k 1' } })).status).toBe(400)
  expect(
    (await ask('/api/Task', { ...create, headers: { 'idempotency-key': 'k'.repeat(129) } })).status,
  ).toBe(400)
})

test('what will work later is 503 with Retry-After in seconds', async () => {
  const { ask, store } = setting()
  store.failure = new DnrError('busy', 'Locked.', { retryable: true, retryAfterMs: 1_200 })
  const busy = await ask('/api/Task')
  expect([busy.status, busy.headers.get('retry-after'), busy.body.code]).toEqual([503, '2', 'busy'])
  store.failure = new DnrError('storage_full', 'Full.', { retryable: true, retryAfterMs: 5_000 })
  const full = await ask('/api/Task')
  expect([full.status, full.headers.get('retry-after')]).toEqual([507, '5'])
})

test('a mistake of ours is logged and not told', async () => {
  const { ask, store, logged } = setting([task('t1')])
  for (const failure of [
    new Error('SELECT secret FROM /var/db'),
    new DnrError('storage_failed', 'SELECT secret FROM x'),
    'text',
  ]) {
    store.failure = failure
    const { status, text } = await ask('/api/Task/t1')
    expect(status).toBe(500)
    expect(text).not.toMatch(/SELECT|secret|stack|at /)
  }
  expect(logged).toHaveLength(3)
  expect(logged[0]?.details).toMatchObject({ method: 'GET' })
})

test('requests that take no parameters refuse them', async () => {
  const { ask } = setting([task('t1')])
  expect((await ask('/api/Task/t1?fields=title')).body.code).toBe('bad_query')
  expect((await ask('/api/Task?upsert=1', { method: 'POST', json: { title: 'x' } })).body.code).toBe(
    'bad_query',
  )
})

test('an asynchronous policy is waited for', async () => {
  const { ask } = setting([task('t1')], async (user) => user && { sees: () => true })
  expect((await ask('/api/Task/t1')).status).toBe(200)
})

test('a base path that is no path is refused when the handler is made', async () => {
  const { createHttpHandler } = await import('../../src/http/http-handler.ts')
  const make = (basePath: string) => () =>
    createHttpHandler({
      basePath,
      stores: [],
      policies: { grant: () => null, generation: 0 },
      writes: { write: () => expect.fail() },
      authenticator: { run: () => expect.fail(), watch: () => expect.fail(), revoke: () => {} },
    })
  expect(make('api')).toThrow('basePath')
  expect(make('/api?x')).toThrow('basePath')
  expect(make('/api/v1/')).not.toThrow()
})

test('an authenticate that takes too long is answered with 503 and when to come again', async () => {
  const { ask, clock } = setting()
  const asked = ask('/api/Task', { headers: { authorization: 'Bearer slow' } })
  await clock.advance(2_999)
  await expect(Promise.race([asked, Promise.resolve('waits')])).resolves.toBe('waits')
  await clock.advance(1)
  const { status, headers, body } = await asked
  expect(status).toBe(503)
  expect(headers.get('retry-after')).toBe('1')
  expect(body).toMatchObject({ code: 'timeout' })
})

test('a rule that fails is 503 with Retry-After, for reading and writing, and nothing is written', async () => {
  const { ask, store } = setting([task('t1')], () => Promise.reject(new Error('MARK: no connection')))
  const asked = [
    await ask('/api/Task'),
    await ask('/api/Task/t1'),
    await ask('/api/Task', { method: 'POST', json: { title: 'new' } }),
    await ask('/api/Task/t1', { method: 'PATCH', json: { title: 'new' }, headers: { 'if-match': '*' } }),
  ]
  for (const { status, headers, body, text } of asked) {
    expect([status, headers.get('retry-after'), body.code]).toEqual([503, '1', 'busy'])
    expect(text).not.toContain('MARK')
  }
  expect(await store.find()).toMatchObject({ rows: [{ id: 't1', title: 'Task t1' }] })
})
