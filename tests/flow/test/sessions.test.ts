// Sessions from end to end: a real server, real sockets, the real client. The clocks are the machine's, the sessions short.
import { once } from 'node:events'
import { DnrError } from '@dnr/protocol'
import { createTickets } from '@dnr/server'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openBrowser } from '../src/browser.ts'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import type { User } from '../src/task.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

/** Tokens that are looked up: `tokens.set('t1', { id: 'ann', … })`. */
function createTokens() {
  const tokens = new Map<string, User>()
  return {
    tokens,
    authenticate: ({ token }: { readonly token: string | null }): User | null => {
      if (token === null) return null
      const user = tokens.get(token)
      if (user === undefined) throw new DnrError('unauthorized', `${token} is no token`)
      return user
    },
  }
}

const ann = (team: string, lastsMs?: number): User => ({
  id: 'ann',
  name: 'ann',
  team,
  ...(lastsMs !== undefined && { expiresAt: Date.now() + lastsMs }),
})

test('a session is renewed again and again over one connection, and not a row is asked for twice', async () => {
  await using folder = await temporaryFolder()
  const { tokens, authenticate } = createTokens()
  await using stack = await startStack({ path: folder.file('tasks.db'), server: { authenticate } })
  await stack.tasks.create({ id: 't1', title: 'Here', team: 'red' })
  let issued = 0
  const getToken = async () => {
    tokens.set(`t${++issued}`, ann('red', 1_500))
    return `t${issued}`
  }
  using browser = openBrowser(stack.url, null, { getToken })
  const shown = browser.client.collection('Task')
  await shown.ready
  const statuses = new Set<string>()
  const stop = browser.client.state.subscribe(({ status }) => statuses.add(status))
  let subscribed = 0
  browser.client.on('message', ({ type }) => {
    if (type === 'subscribed') subscribed++
  })
  await expect.poll(() => issued, { timeout: 10_000, interval: 20 }).toBeGreaterThan(4)
  await stack.tasks.create({ id: 't2', title: 'Later', team: 'red' })
  await until(shown.rows, (rows) => rows.length === 2)
  expect([[...statuses], browser.connections, subscribed]).toEqual([['ready'], 1, 0])
  stop()
})

test('a session that is not renewed ends; the client comes back once, and then somebody must sign in', async () => {
  await using folder = await temporaryFolder()
  const { tokens, authenticate } = createTokens()
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    server: { authenticate, refreshLeadMs: 0 },
  })
  tokens.set('first', ann('red', 500))
  const answers = ['first', 'refused']
  let calls = 0
  using browser = openBrowser(stack.url, null, {
    getToken: () => {
      calls++
      return answers.shift() ?? 'last'
    },
  })
  const { client } = browser
  const shown = client.collection('Task')
  await shown.ready
  await until(client.state, ({ status }) => status === 'needs-auth')
  expect(client.state.value).toMatchObject({ cause: { code: 'unauthorized' } })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect([calls, browser.connections, shown.status.value]).toEqual([2, 2, 'stale'])
  tokens.set('last', ann('red'))
  client.connect()
  await until(shown.status, (status) => status === 'live')
})

test('another team in the new token: what the old one showed goes, what the new one shows comes, without a reconnect', async () => {
  await using folder = await temporaryFolder()
  const { tokens, authenticate } = createTokens()
  await using stack = await startStack({ path: folder.file('tasks.db'), server: { authenticate } })
  await stack.tasks.create({ id: 'r1', title: 'Red', team: 'red' })
  await stack.tasks.create({ id: 'b1', title: 'Blue', team: 'blue' })
  tokens.set('red', ann('red', 1_500))
  tokens.set('blue', ann('blue', 600_000))
  const answers = ['red']
  using browser = openBrowser(stack.url, null, { getToken: () => answers.shift() ?? 'blue' })
  const { client } = browser
  const shown = client.collection('Task')
  const board = client.subscribe('presence:board/red', {})
  await shown.ready
  await board.ready
  expect(shown.rows.value.map(({ id }) => id)).toEqual(['r1'])
  await until(shown.rows, (rows) => rows.map(({ id }) => id).join() === 'b1', 'the rows')
  await until(board.status, (status) => status === 'failed')
  await stack.tasks.create({ id: 'r2', title: 'Red too', team: 'red' })
  await stack.tasks.create({ id: 'b2', title: 'Blue too', team: 'blue' })
  await until(shown.rows, (rows) => rows.map(({ id }) => id).join() === 'b1,b2', 'the rows')
  expect([browser.connections, shown.status.value]).toEqual([1, 'live'])
})

test('a user who is signed out is gone at once, from presence too, and stays away until somebody signs in', async () => {
  await using folder = await temporaryFolder()
  const { tokens, authenticate } = createTokens()
  await using stack = await startStack({ path: folder.file('tasks.db'), server: { authenticate } })
  tokens.set('ann', ann('red'))
  tokens.set('bob', { id: 'bob', name: 'bob', team: 'red' })
  using bob = await openPlainClient(`${stack.url}?token=bob`)
  await bob.next()
  bob.send({ type: 'presence:join', channel: 'presence:board/red' })
  expect(await bob.next()).toMatchObject({ type: 'presence:sync' })
  using browser = openBrowser(stack.url, 'ann')
  const { client } = browser
  await until(client.connected, (connected) => connected)
  client.send({ type: 'presence:join', channel: 'presence:board/red' })
  expect(await bob.next()).toMatchObject({ type: 'presence:join', payload: { users: [{ id: 'ann' }] } })
  expect(stack.realtime.webSockets.disconnectUser('ann')).toBe(1)
  expect(await bob.next()).toMatchObject({ type: 'presence:leave', payload: { users: [{ id: 'ann' }] } })
  await until(client.state, ({ status }) => status === 'needs-auth')
  expect(client.state.value).toMatchObject({ cause: { code: 'token_revoked' } })
  client.retryNow()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect([client.state.value.status, browser.connections]).toEqual(['needs-auth', 1])
  client.connect()
  await until(client.connected, (connected) => connected)
})

test('a request over HTTP whose user is signed out while it is being authenticated does nothing', async () => {
  await using folder = await temporaryFolder()
  let accept = (): void => {}
  const asked = new Promise<void>((resolve) => {
    accept = resolve
  })
  let admit: (user: User) => void = () => {}
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    server: {
      authenticate: () =>
        new Promise<User>((resolve) => {
          admit = resolve
          accept()
        }),
    },
  })
  const answer = fetch(`${stack.httpUrl}/api/Task`, {
    method: 'POST',
    headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Too late', team: 'red' }),
  })
  await asked
  stack.realtime.webSockets.disconnectUser('ann')
  admit(ann('red'))
  const response = await answer
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    401,
    'token_revoked',
  ])
  expect((await stack.tasks.find()).rows).toEqual([])
})

test('the same credentials sign in over the socket and over HTTP, the first that is not empty counts', async () => {
  await using folder = await temporaryFolder()
  const seen: { token: string | null; url: string; cookies: string[]; cookie: unknown }[] = []
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    server: {
      authenticate: ({ token, url, cookies, headers }) => {
        seen.push({ token, url, cookies: [...cookies.values()], cookie: headers['cookie'] })
        const id = token ?? cookies.get('sid') ?? ''
        return id === '' ? null : { id, name: id, team: 'red' }
      },
    },
    attach: { origins: ['https://app.example.com'] },
  })
  const origin = 'https://app.example.com'
  const connect = async (
    query: string,
    protocols: string[],
    headers: Record<string, string>,
  ): Promise<string | null> => {
    const socket = new WebSocket(stack.url + query, protocols, { headers })
    const [data] = (await once(socket, 'message')) as [Buffer]
    const { payload } = JSON.parse(data.toString()) as { payload: { userId: string | null } }
    expect(socket.protocol).toBe(protocols.length === 0 ? '' : 'dnr.v1')
    socket.terminate()
    return payload.userId
  }
  const both = ['dnr.v1', 'bearer.sub']
  const authorization = 'Bearer header'
  const cookie = 'sid=cookie'
  expect(await connect('?token=query', both, { authorization, cookie, origin })).toBe('sub')
  expect(await connect('?token=query&x=1', ['dnr.v1', 'bearer.'], { authorization })).toBe('query')
  expect(await connect('?token=', ['dnr.v1'], { authorization })).toBe('header')
  expect(await connect('', ['dnr.v1'], { authorization: 'Basic header', cookie, origin })).toBe('cookie')
  expect(await connect('', [], {})).toBeNull()
  // Not a browser, or a page nobody trusts: the token counts, the cookie does not reach authenticate.
  expect(await connect('?token=query', ['dnr.v1'], { cookie })).toBe('query')
  expect(seen.map(({ url, cookies }) => [url, cookies.join()])).toEqual([
    ['/ws', 'cookie'],
    ['/ws?x=1', ''],
    ['/ws', ''],
    ['/ws', 'cookie'],
    ['/ws', ''],
  ])
  expect(seen.at(-1)?.cookie).toBeUndefined()

  const ask = async (path: string, headers: Record<string, string>) =>
    (await fetch(stack.httpUrl + path, { headers })).status
  expect(await ask('/api/Task', { authorization })).toBe(200)
  expect(await ask('/api/Task', { cookie })).toBe(200)
  expect(await ask('/api/Task', {})).toBe(401)
  // A URL is no place for a token where a header can be had.
  expect(await ask('/api/Task?token=query', {})).toBe(401)
})

test('a client without a token signs in with its first message', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using client = await openPlainClient(stack.url)
  expect(await client.next()).toMatchObject({ type: 'connected', payload: { userId: null, expiresAt: null } })
  client.send({ type: 'auth', payload: { token: 'ann.red' }, requestId: 'a' })
  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 's' })
  expect(await client.next()).toMatchObject({
    type: 'authenticated',
    payload: { userId: 'ann' },
    requestId: 'a',
  })
  expect(await client.next()).toMatchObject({ type: 'subscribed', requestId: 's' })
})

test('a ticket in the URL opens one connection', async () => {
  await using folder = await temporaryFolder()
  const tickets = createTickets<User>()
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    server: { authenticate: ({ token }) => tickets.redeem(token) },
  })
  const ticket = tickets.issue(ann('red'))
  using first = await openPlainClient(`${stack.url}?token=${ticket}`)
  expect(await first.next()).toMatchObject({ type: 'connected', payload: { userId: 'ann' } })
  const second = new WebSocket(`${stack.url}?token=${ticket}`)
  const [code, reason] = (await once(second, 'close')) as [number, Buffer]
  expect([code, reason.toString()]).toEqual([4401, 'unauthorized'])
})
