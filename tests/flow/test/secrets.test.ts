// Tokens, cookies and rows stay where they belong. Every error path that can be reached is driven with values that are
// easy to find again; then everything that was logged, told as a number, or sent to somebody else is searched for them.
import { once } from 'node:events'
import { inspect } from 'node:util'
import { DnrError } from '@dnr/protocol'
import { allow, allowChannel, policies, type RealtimeServerOptions } from '@dnr/server'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { Task, type User } from '../src/task.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

const TOKEN = 'T0KENMARK+/=%"{'
const COOKIE = 'C00KIEMARK+/='
const ROW = 'R0WMARK'
const MARKS = ['T0KENMARK', 'C00KIEMARK', ROW].flatMap((mark) => [mark, Buffer.from(mark).toString('base64')])

/** Quotes whatever it was given, in every way that an error can. */
class QuotingError extends Error {
  readonly input: unknown
  constructor(input: unknown) {
    super(`cannot use ${inspect(input)}\n    at ${inspect(input)} (like a line of the stack)`)
    this.name = `QuotingError ${inspect(input)}`
    this.input = input
    this.cause = new SyntaxError(`unexpected ${inspect(input)}`)
    Object.assign(this, { code: inspect(input) })
  }
}

const failingAuthenticate: NonNullable<RealtimeServerOptions<User>['authenticate']> = async (credentials) => {
  const { token, cookies } = credentials
  const way = token?.slice(TOKEN.length) ?? cookies.get('way') ?? ''
  if (token === 'bob') return { id: 'bob', name: 'bob', team: 'red' }
  if (token === 'ann') return { id: 'ann', name: 'ann', team: 'red' }
  if (way === 'bad') throw new DnrError('unauthorized', `${token} is bad`, { details: { token } })
  if (way === 'expired') throw new DnrError('token_expired', `${token} is old`)
  if (way === 'internal') throw new DnrError('internal', `${token} broke it`, { cause: token })
  if (way === 'parse') return JSON.parse(`{"sub":"${token}`) as User
  if (way === 'url') return { id: new URL(`${token}://`).host, team: 'red' }
  if (way === 'text') throw token
  if (way === 'nobody') return null
  if (way === 'wrong') return { id: 'ann', name: token ?? '', team: 'red', expiresAt: Number.NaN }
  throw new QuotingError(credentials)
}

/** What one may see blows up for some rows, in ways that quote them. */
const failingPolicies = policies(
  allow(Task, (user: User | null) => ({
    key: user?.team ?? '',
    sees: (task) => {
      if (user?.id === 'bob') return task.team === 'red' && !task.title.includes(ROW)
      if (task.title.includes('sees')) throw new QuotingError(task)
      return true
    },
    create: true,
    update: (_, task) => {
      if (task.title.includes('update')) throw new QuotingError(task)
      return true
    },
    delete: true,
  })),
  allowChannel('presence', (user) => user.id === 'bob'),
  allowChannel('room', (user, name) => {
    if (name === 'open') return true
    throw new QuotingError([user, name, ROW])
  }),
)

async function start(path: string) {
  const logged: unknown[] = []
  const whole: unknown[] = []
  const log = (message: string, details?: unknown) => void logged.push([message, details])
  const stack = await startStack({
    path,
    server: {
      authenticate: failingAuthenticate,
      policies: failingPolicies,
      logger: { error: log, info: log, debug: log },
      onError: (error) => void whole.push(error),
    },
    attach: { origins: ['https://app.example.com'] },
  })
  return { stack, logged, whole }
}

function found(value: unknown): string[] {
  const text = inspect(value, { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null })
  return MARKS.filter((mark) => text.includes(mark))
}

function closeOf(socket: WebSocket): Promise<string> {
  socket.on('error', () => {})
  return new Promise((resolve) =>
    socket.on('close', (code, reason) => resolve(`${code} ${reason.toString()}`)),
  )
}

test('no token, cookie or row gets into the log, a number, a close reason or somebody else’s frames', async () => {
  await using folder = await temporaryFolder()
  const { stack, logged, whole } = await start(folder.file('tasks.db'))
  await using _ = stack
  const { webSockets, eventBus } = stack.realtime
  const sqlite = new Sqlite(folder.file('tasks.db'))
  sqlite.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON Task WHEN NEW.title LIKE '%sql%' BEGIN SELECT RAISE(ABORT, 'refused ${ROW}'); END`,
  )
  sqlite.close()
  webSockets.handle('app:throw', ({ payload }) => {
    throw new QuotingError(payload)
  })
  webSockets.handle('app:internal', ({ payload }) => {
    throw new DnrError('internal', `cannot use ${JSON.stringify(payload)}`, { details: { payload } })
  })
  webSockets.handle('app:details', ({ payload }) => {
    throw new DnrError('busy', 'Later.', { details: { payload, big: 1n } })
  })
  eventBus.on((change) => {
    throw new QuotingError(change)
  })
  using bob = await openPlainClient(`${stack.url}?token=bob`)
  await bob.next()
  for (const channel of ['entity:Task', 'room:open', 'presence:board/red']) {
    bob.send({ type: 'subscribe', channel })
    expect(await bob.next()).toMatchObject({ type: 'subscribed', channel })
  }

  // Signing in, over the socket in each of its ways, and over HTTP.
  const closes: string[] = []
  const bodies: string[] = []
  const ways = ['bad', 'expired', 'internal', 'parse', 'url', 'text', 'nobody', 'wrong', 'quote']
  for (const way of ways) {
    const token = TOKEN + way
    const cookie = `sid=${encodeURIComponent(COOKIE)}; way=${way}`
    const origin = 'https://app.example.com'
    closes.push(await closeOf(new WebSocket(`${stack.url}?token=${encodeURIComponent(token)}`)))
    closes.push(await closeOf(new WebSocket(stack.url, { headers: { authorization: `Bearer ${token}` } })))
    closes.push(await closeOf(new WebSocket(stack.url, ['dnr.v1', `bearer.T0KENMARK${way}`])))
    if (way !== 'nobody') {
      // A cookie that is nobody's is a guest's.
      const socket = new WebSocket(stack.url, { headers: { cookie, origin } })
      closes.push(await closeOf(socket))
    }
    const first = new WebSocket(stack.url)
    await once(first, 'message')
    first.send(JSON.stringify({ type: 'auth', payload: { token } }))
    closes.push(await closeOf(first))
    for (const headers of [{ authorization: `Bearer ${token}` }, { cookie }] as Record<string, string>[]) {
      const response = await fetch(`${stack.httpUrl}/api/Task?token=${encodeURIComponent(token)}`, {
        headers,
      })
      expect([401, 500]).toContain(response.status)
      bodies.push(await response.text())
    }
  }
  // An origin that is refused, and targets that are none.
  for (const token of [TOKEN, encodeURIComponent(TOKEN)]) {
    const evil = new WebSocket(`${stack.url}?token=${token}`, { headers: { origin: 'https://evil.example' } })
    closes.push(await closeOf(evil))
  }

  // Frames and requests that go wrong.
  using ann = await openPlainClient(`${stack.url}?token=ann`)
  await ann.next()
  const own: Record<string, unknown>[] = []
  const ask = async (frame: object | string) => {
    ann.send(frame)
    ann.send({ type: 'ping', requestId: 'end' })
    for (let answer = await ann.next(); answer['type'] !== 'pong'; answer = await ann.next()) own.push(answer)
  }
  const mutate = (operation: string, id: string, fields: object, mutationId: string) =>
    ask({ type: 'mutate', payload: { operation, entity: 'Task', id, fields, mutationId } })
  await mutate('create', 't-sees', { title: `${ROW} sees`, team: 'red' }, 'm1')
  await mutate('create', 't-update', { title: `${ROW} update`, team: 'red' }, 'm2')
  await mutate('update', 't-update', { title: `${ROW} update again` }, 'm3')
  await mutate('create', 't-sql', { title: `${ROW} sql`, team: 'red' }, 'm4')
  await mutate('create', 't-blue', { title: `${ROW} hidden`, team: 'blue' }, 'm5')
  await mutate('create', 't-blue', { title: `${ROW} twice`, team: 'blue' }, 'm6')
  await mutate('create', 't-nope', { title: 3, [ROW]: 1 }, 'm7')
  await ask({ type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true } })
  await ask({ type: 'subscribe', channel: 'entity:Task', payload: { query: { where: { [ROW]: 1 } } } })
  for (const channel of [`room:${ROW}`, `presence:${ROW}`, `user:${ROW}`, `entity:${ROW}`])
    await ask({ type: 'subscribe', channel })
  await ask({ type: 'message', channel: `room:${ROW}`, payload: ROW })
  for (const type of ['app:throw', 'app:internal', 'app:details', ROW])
    await ask({ type, payload: { ROW, TOKEN } })
  for (const text of [
    ROW,
    `{"type":"${ROW}`,
    `[${'['.repeat(40)}"${ROW}"`,
    `{"type":"subscribe","channel":"${ROW}"}`,
  ])
    await ask(text)
  await stack.tasks.create({ id: 't-server', title: `${ROW} sees`, team: 'red' })
  expect(() => webSockets.disconnectUser('ann', { reason: ROW.repeat(20) })).toThrow()

  const http = async (method: string, path: string, body?: string) => {
    const headers = { authorization: 'Bearer ann', 'content-type': 'application/json' }
    const response = await fetch(stack.httpUrl + path, {
      method,
      headers,
      ...(body !== undefined && { body }),
    })
    return { status: response.status, text: await response.text() }
  }
  const failures = [
    await http('POST', '/api/Task', JSON.stringify({ id: 'h-sql', title: `${ROW} sql`, team: 'red' })),
    await http('GET', '/api/Task'),
    await http('PATCH', '/api/Task/t-update', JSON.stringify({ title: `${ROW} update` })),
  ]
  for (const { status, text } of failures) if (status >= 500) bodies.push(text)
  await http('POST', '/api/Task', `{"title":"${ROW}`)
  await http('GET', `/api/Task?where={"${ROW}":1}`)
  await http('GET', `/api/${ROW}/${ROW}`)

  // Bob hears what everybody may, and nothing of all this.
  bob.send({ type: 'ping', requestId: 'end' })
  await expect.poll(() => bob.untaken().at(-1)?.['type']).toBe('pong')

  // The errors did quote: who asks for them whole gets them whole.
  expect(found(whole)).toEqual(expect.arrayContaining(['T0KENMARK', 'C00KIEMARK', ROW]))
  expect(whole.length).toBeGreaterThan(20)
  expect(logged.length).toBeGreaterThan(20)
  expect(found(logged)).toEqual([])
  expect(found(stack.realtime.stats())).toEqual([])
  expect(found(closes)).toEqual([])
  expect(new Set(closes)).toEqual(
    new Set(['4401 unauthorized', '4401 token_expired', '4500 internal', '1006 ']),
  )
  expect(found(bodies)).toEqual([])
  expect(found(bob.untaken())).toEqual([])
  // To the one who asked, nothing but what they sent themselves and may see.
  const faults = own.filter(
    ({ type, payload }) => type === 'error' && (payload as { code: string }).code === 'internal',
  )
  expect(faults.length).toBeGreaterThan(1)
  expect(found(faults)).toEqual([])
})
