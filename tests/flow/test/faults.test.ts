// The storage in trouble, as clients of a whole server see it.
import { formatPosition } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { holdLock } from '../src/hold-lock.ts'
import { openPlainClient } from '../src/plain-client.ts'
import { readSlowly } from '../src/read-slowly.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

const ALICE = { authorization: 'Bearer alice.red', 'content-type': 'application/json' }

function post(httpUrl: string, fields: object, headers: Readonly<Record<string, string>> = {}) {
  return fetch(`${httpUrl}/api/Task`, {
    method: 'POST',
    headers: { ...ALICE, ...headers },
    body: JSON.stringify(fields),
  })
}

/** What of an answer must be the same when it is given again. */
async function told(response: Response) {
  const headers = ['dnr-position', 'etag', 'location'].map((name) => response.headers.get(name))
  return { status: response.status, headers, body: (await response.json()) as unknown }
}

test('F14 while another process holds the lock: writes get 503 and `busy`, all else goes on', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  // The database's clock alone stands still, so that its writes wait until the test has looked at everything else.
  const clock = createManualClock()
  await using stack = await startStack({ path, database: { clock, busyTimeoutMs: 5_000 } })
  await stack.tasks.create({ id: 'before', title: 'Before' })
  using socket = await openPlainClient(`${stack.url}?token=alice.red`)
  await socket.next()
  socket.send({ type: 'subscribe', channel: 'entity:Task', requestId: 's' })
  expect(await socket.next()).toMatchObject({ type: 'subscribed' })

  using lock = await holdLock(path)
  const refused = post(stack.httpUrl, { title: 'Refused' })
  const mutate = { entity: 'Task', operation: 'create', mutationId: 'm', fields: { title: 'Refused, too' } }
  socket.send({ type: 'mutate', requestId: 'w', payload: mutate })

  // All of this is answered while the two writes wait.
  socket.send({ type: 'ping', requestId: 'p' })
  expect(await socket.next()).toMatchObject({ type: 'pong', requestId: 'p' })
  const list = await fetch(`${stack.httpUrl}/api/Task`, { headers: ALICE })
  expect(await list.json()).toMatchObject({ rows: [{ id: 'before' }] })
  stack.realtime.eventBus.emitCreated('Task', { id: 'told', title: 'Fan-out', team: 'red' })
  expect(await socket.next()).toMatchObject({ type: 'entity:created', payload: { id: 'told' } })

  // Both are waiting by now; as long as they are, time passes.
  const later = async (): Promise<Response> => {
    const answer = await Promise.race([refused, clock.advance(1_000)])
    return answer ?? later()
  }
  const response = await later()
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await response.json()).toMatchObject({ code: 'busy' })
  expect(await socket.next()).toMatchObject({
    type: 'error',
    requestId: 'w',
    payload: { code: 'busy', retryAfterMs: expect.any(Number) as number },
  })

  await lock.letGo()
  expect((await post(stack.httpUrl, { title: 'Taken' })).status).toBe(201)
  expect(await socket.next()).toMatchObject({ type: 'entity:created', payload: { title: 'Taken' } })
})

test('F14 a write that the lock is given to in time waits and is written', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using stack = await startStack({ path })
  using lock = await holdLock(path)
  const waiting = post(stack.httpUrl, { title: 'Waits' })
  await fetch(`${stack.httpUrl}/api/Task`, { headers: ALICE })
  await lock.letGo()
  expect((await waiting).status).toBe(201)
})

test('F16 on a full disk writes get 507, nothing of them is told, reads go on, readiness says why until it heals', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  const handle = new Database(path)
  {
    await using stack = await startStack({ path, handle })
    using bob = openBrowser(stack.url, 'bob.red')
    const shown = bob.client.collection('Task')
    await stack.tasks.create({ id: 'before', title: 'Before' })
    await until(shown.rows, (rows) => rows.length === 1)
    handle.pragma(`max_page_count = ${handle.pragma('page_count', { simple: true }) as number}`)

    let stored = 1
    let answer = await post(stack.httpUrl, { title: 'x'.repeat(2_000) })
    for (; answer.status === 201; stored++) answer = await post(stack.httpUrl, { title: 'x'.repeat(2_000) })
    expect(answer.status).toBe(507)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await answer.json()).toMatchObject({ code: 'storage_full' })
    expect(await stack.realtime.readiness()).toMatchObject({ ready: false, code: 'storage_full' })
    const list = await fetch(`${stack.httpUrl}/api/Task`, { headers: ALICE })
    expect(((await list.json()) as { rows: unknown[] }).rows).toHaveLength(stored)

    handle.pragma('max_page_count = 1000000')
    expect(await stack.realtime.readiness()).toEqual({ ready: true })
    expect((await post(stack.httpUrl, { id: 'healed', title: 'Healed' })).status).toBe(201)
    await until(shown.rows, (rows) => rows.some(({ id }) => id === 'healed'))
    expect(shown.rows.value).toHaveLength(stored + 1)
  }
  handle.close()
})

test('the same write over HTTP and over the socket at once happens once, and both are told the same', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  await until(alice.client.connected, Boolean)
  for (let round = 0; round < 10; round++) {
    const [id, mutationId] = [`t${round}`, `m${round}`]
    const fields = { title: 'Once', rank: round }
    const [overHttp, overSocket, again] = await Promise.all([
      post(stack.httpUrl, { ...fields, id }, { 'idempotency-key': mutationId }).then(told),
      alice.client.mutate({ entity: 'Task', operation: 'create', id, mutationId, fields }),
      post(stack.httpUrl, { id, ...fields }, { 'idempotency-key': mutationId }).then(told),
    ])
    expect(again).toEqual(overHttp)
    expect(overHttp.status).toBe(201)
    expect(overHttp.body).toEqual(overSocket.row)
    expect(overHttp.headers[0]).toBe(overSocket.position && formatPosition(overSocket.position))
  }
  expect((await stack.database.changeLog.head()).offset).toBe(10)
})

test('an answer that was given before a restart is given again after it: status, position, row', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  const key = { 'idempotency-key': 'once' }
  const write = async (): Promise<unknown> => {
    await using stack = await startStack({ path })
    const answer = await told(await post(stack.httpUrl, { title: 'Once' }, key))
    await stack.tasks.create({ title: 'In between' })
    return answer
  }
  const first = await write()
  expect(await write()).toEqual(first)
})

test('rows that could not be read to the end are asked for again', async () => {
  await using folder = await temporaryFolder()
  let reads = 0
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    storeOf: (tasks) =>
      readSlowly(tasks, () =>
        ++reads === 1 ? Promise.reject(new Error('The page is gone.')) : Promise.resolve(),
      ),
  })
  for (const id of ['a', 'b']) await stack.tasks.create({ id, title: id })
  using alice = openBrowser(stack.url, 'alice.red')
  const shown = alice.client.collection('Task')
  await shown.ready
  expect([shown.rows.value.map(({ id }) => id), reads]).toEqual([['a', 'b'], 2])
})
