// The interface of the built task board that others drive (design, section 8), from outside.
import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type BoardApi, boardApi, signInToBoard } from '../src/board-api.ts'
import { type BoardProcess, runBoard, startBoard } from '../src/board-process.ts'
import { openPlainClient } from '../src/plain-client.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

let board: BoardProcess
beforeAll(async () => {
  board = await startBoard()
})
afterAll(() => board.kill())

/** A team of its own for each test. */
let teams = 0
const newTeam = (): string => `team${++teams}`

describe('signing in', () => {
  const signIn = (body: unknown) => boardApi(board.url, '').request('POST', '/api/session', { body })

  test('answers a token and the user, whose id is the lower-cased name', async () => {
    const { status, body } = await signIn({ name: 'Alice', team: 'red' })
    expect(status).toBe(200)
    expect(body).toEqual({
      token: expect.any(String) as string,
      user: { id: 'alice', name: 'Alice', team: 'red' },
    })
  })

  test('takes any name of 1 to 64 characters', async () => {
    for (const name of ['x', 'ß'.repeat(64), '🦊'.repeat(64), 'Bob Miller', ' ', '   ', '.'])
      expect((await signIn({ name, team: 'red' })).status, name).toBe(200)
  })

  test.each(['.', '..', '🦊'.repeat(64), 'Ⱥ'.repeat(64), 'İ'.repeat(64), 'a:b/c?d#e%2e'])(
    '%s can do what others can: hear what is said to them, be seen, and be moved',
    async (name) => {
      const [red, blue] = [newTeam(), newTeam()]
      const admin = await signInToBoard(board.url, 'Root', 'admin')
      const them = await signInToBoard(board.url, name, red)
      const id = name.toLowerCase()
      using socket = await openPlainClient(`${board.url.replace('http', 'ws')}/ws?token=${them.token}`)
      socket.send({ type: 'subscribe', channel: `user:${id}` })
      expect(await socket.until('subscribed')).toMatchObject({ channel: `user:${id}` })
      socket.send({ type: 'presence:join', channel: `presence:board/${red}` })
      expect(await socket.until('presence:sync')).toMatchObject({ payload: { users: [{ id }] } })
      const moved = await admin.request('PUT', '/api/members', { body: { id: name, team: blue } })
      expect(moved).toMatchObject({ status: 200, body: { id, team: blue } })
      expect(await socket.until('team')).toMatchObject({ channel: `user:${id}`, payload: { team: blue } })
      expect((await them.request('GET', '/api/session')).body).toEqual({ user: { id, name, team: blue } })
    },
  )

  test('takes any team that can be part of a channel’s name, and its tasks', async () => {
    for (const team of ['my team', ' ', 'a/b', 'équipe', 'x'.repeat(64)]) {
      const alice = await signInToBoard(board.url, 'alice', team)
      const { id } = await alice.create({ title: 'Ours' })
      expect((await alice.request('GET', `/api/Task/${id}`)).body, team).toMatchObject({ team })
    }
  })

  test('refuses other names, other bodies and other methods', async () => {
    for (const name of ['', 'x'.repeat(65), 'a\u0000b', 'line\nbreak', '\ud800', 7, null, undefined])
      expect((await signIn({ name, team: 'red' })).status, String(name)).toBe(422)
    for (const team of ['', 'x'.repeat(65), 'a\u0000b', '🦊'.repeat(64), 7, null, undefined]) {
      const { status, body } = await signIn({ name: 'x', team })
      expect([status, body['detail']], String(team)).toEqual([422, expect.stringMatching(/^team must be/)])
    }
    expect((await signIn('{')).status).toBe(400)
    expect((await signIn('null')).status).toBe(400)
    expect((await signIn({ name: 'x'.repeat(5_000), team: 'red' })).status).toBe(413)
    expect((await boardApi(board.url, '').request('DELETE', '/api/session')).status).toBe(405)
  })

  test('a ticket opens one socket, for the user whose token paid for it', async () => {
    const { request } = await signInToBoard(board.url, 'alice', 'red')
    const { status, body } = await request<{ ticket: string }>('POST', '/api/ticket')
    expect(status).toBe(200)
    const url = `${board.url.replace('http', 'ws')}/ws?token=${body.ticket}`
    using client = await openPlainClient(url)
    expect(await client.next()).toMatchObject({ type: 'connected', payload: { userId: 'alice' } })
    const second = new WebSocket(url)
    const [code] = (await once(second, 'close')) as [number]
    expect(code).toBe(4401)
    expect((await boardApi(board.url, '').request('POST', '/api/ticket')).status).toBe(401)
  })

  test('a token that was changed is nobody’s', async () => {
    const { token } = await signInToBoard(board.url, 'alice', 'red')
    const [payload = '', signature = ''] = token.split('.')
    const admin = Buffer.from(JSON.stringify({ id: 'alice', name: 'alice', team: 'admin' })).toString(
      'base64url',
    )
    for (const forged of [
      `${admin}.${signature}`,
      payload,
      `${payload}.`,
      `${token}.x`,
      token.slice(0, -1),
    ]) {
      expect((await boardApi(board.url, forged).request('GET', '/api/Task')).status, forged).toBe(401)
      expect((await boardApi(board.url, forged).request('GET', '/api/session')).status, forged).toBe(401)
    }
    expect((await boardApi(board.url, token).request('GET', '/api/session')).body).toEqual({
      user: { id: 'alice', name: 'alice', team: 'red' },
    })
  })
})

describe('tasks', () => {
  test('nobody sees any without a token', async () => {
    const nobody = boardApi(board.url, '')
    const answer = await nobody.request('GET', '/api/Task')
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ status: 401, code: 'unauthorized' })
    expect((await nobody.request('POST', '/api/Task', { body: { title: 'x' } })).status).toBe(401)
  })

  test('a title is enough: the server fills in the rest, at the end of the column', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    const before = Date.now()
    const { status, headers, body } = await alice.request('POST', '/api/Task', { body: { title: 'First' } })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/.+/) as string,
      title: 'First',
      status: 'todo',
      team: `team${teams}`,
      assignee: null,
      rank: 1,
      notes: '',
      createdAt: expect.any(Number) as number,
      updatedAt: body['createdAt'],
      version: 1,
    })
    expect(body['createdAt']).toBeGreaterThanOrEqual(before)
    expect(headers.get('etag')).toBe('"1"')
    expect(headers.get('dnr-position')).toMatch(/^[\w-]+:\d+$/)
    expect(await alice.create({ title: 'Second' })).toMatchObject({ rank: 2 })
    expect(await alice.create({ title: 'Doing', status: 'doing' })).toMatchObject({ rank: 1 })
    expect(await alice.create({ title: 'Own', id: 'my-own:id' })).toMatchObject({ id: 'my-own:id', rank: 3 })
    expect((await alice.request('POST', '/api/Task', { body: { title: 'x', id: 'my-own:id' } })).status).toBe(
      409,
    )
  })

  test('are read, changed and deleted', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    const { id } = await alice.create({ title: 'Write' })
    const changed = await alice.request('PATCH', `/api/Task/${id}`, {
      body: { status: 'doing', notes: 'Soon.' },
    })
    expect(changed.status).toBe(200)
    expect(changed.body).toMatchObject({ id, status: 'doing', notes: 'Soon.', version: 2 })
    expect(changed.body['updatedAt']).toBeGreaterThanOrEqual(changed.body['createdAt'] as number)
    expect((await alice.request('GET', `/api/Task/${id}`)).body).toEqual(changed.body)
    expect((await alice.request('DELETE', `/api/Task/${id}`)).status).toBe(204)
    expect((await alice.request('GET', `/api/Task/${id}`)).status).toBe(404)
    expect((await alice.request('PATCH', `/api/Task/${id}`, { body: { title: 'x' } })).status).toBe(404)
  })

  test('are listed by query, page after page', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    for (const title of ['a', 'b', 'c']) await alice.create({ title })
    await alice.create({ title: 'd', status: 'done' })
    const query = (parameters: Record<string, string>) =>
      alice.request<{ rows: { title: string }[]; next?: string; position: unknown; code?: string }>(
        'GET',
        `/api/Task?${new URLSearchParams(parameters).toString()}`,
      )
    const where = '{"status":{"eq":"todo"}}'
    const orderBy = '[["rank","desc"]]'
    const first = await query({ where, orderBy, limit: '2' })
    expect(first.body.rows.map(({ title }) => title)).toEqual(['c', 'b'])
    expect(first.body.position).toEqual({
      epoch: expect.any(String) as string,
      offset: expect.any(Number) as number,
    })
    const second = await query({ where, orderBy, limit: '2', after: first.body.next ?? '' })
    expect(second.body.rows.map(({ title }) => title)).toEqual(['a'])
    expect(second.body.next).toBeUndefined()
    for (const bad of [
      { where: '{' },
      { where: '{"nope":1}' },
      { limit: '0' },
      { limit: '501' },
      { sort: 'x' },
    ])
      expect((await query(bad)).status, JSON.stringify(bad)).toBe(400)
  })

  test('take every title of 1 to 200 characters and every assignee', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    for (const fields of [
      { title: ' ' },
      { title: 'x'.repeat(200) },
      { title: '🦊'.repeat(200) },
      { assignee: '' },
      { assignee: 'x'.repeat(65) },
    ]) {
      const { id } = await alice.create({ title: 'x', ...fields })
      expect((await alice.request('GET', `/api/Task/${id}`)).body).toMatchObject(fields)
      expect((await alice.request('PATCH', `/api/Task/${id}`, { body: fields })).status).toBe(200)
    }
  })

  test('refuse what does not fit, by name', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    const { id } = await alice.create({ title: 'x' })
    const refused = async (body: unknown) => {
      const created = await alice.request('POST', '/api/Task', { body: { title: 'x', ...(body as object) } })
      const patched = await alice.request('PATCH', `/api/Task/${id}`, { body })
      expect([created.status, patched.status], JSON.stringify(body)).toEqual([422, 422])
      return JSON.stringify(patched.body)
    }
    expect(await refused({ title: '' })).toContain('title')
    expect(await refused({ title: 'x'.repeat(201) })).toContain('longer than 200')
    expect(await refused({ status: 'later' })).toContain('status')
    expect(await refused({ notes: 'x'.repeat(10_001) })).toContain('notes')
    expect(await refused({ rank: 'high' })).toContain('rank')
    expect(await refused({ createdAt: 1 })).toContain('createdAt')
    expect(await refused({ updatedAt: 1 })).toContain('updatedAt')
    expect(await refused({ version: 1 })).toContain('version')
    expect(await refused({ colour: 'red' })).toContain('colour')
    expect((await alice.request('PATCH', `/api/Task/${id}`, { body: {} })).status).toBe(422)
    expect((await alice.request('PATCH', `/api/Task/${id}`, { body: '{' })).status).toBe(400)
    const tooBig = { title: 'x', notes: 'x'.repeat(70_000) }
    expect((await alice.request('POST', '/api/Task', { body: tooBig })).status).toBe(413)
  })

  test('of another team are neither seen nor written; a team may hand one over', async () => {
    const [red, blue] = [newTeam(), newTeam()]
    const alice = await signInToBoard(board.url, 'alice', red)
    const bob = await signInToBoard(board.url, 'bob', blue)
    const admin = await signInToBoard(board.url, 'root', 'admin')
    const { id } = await alice.create({ title: 'Red plan' })
    expect((await bob.request('GET', `/api/Task/${id}`)).status).toBe(404)
    expect((await bob.request('PATCH', `/api/Task/${id}`, { body: { title: 'Mine' } })).status).toBe(404)
    expect((await bob.request('DELETE', `/api/Task/${id}`)).status).toBe(404)
    expect((await bob.request<{ rows: unknown[] }>('GET', '/api/Task')).body.rows).toEqual([])
    expect((await bob.request('POST', '/api/Task', { body: { title: 'x', team: red } })).status).toBe(403)
    expect((await admin.request('POST', '/api/Task', { body: { title: 'x', team: red } })).status).toBe(201)
    expect((await admin.request('GET', `/api/Task/${id}`)).status).toBe(200)

    const handed = await alice.request('PATCH', `/api/Task/${id}`, { body: { team: blue } })
    expect([handed.status, handed.headers.get('etag')]).toEqual([204, null])
    expect((await alice.request('GET', `/api/Task/${id}`)).status).toBe(404)
    expect((await bob.request('GET', `/api/Task/${id}`)).body).toMatchObject({ id, team: blue })
  })

  test('that moved on are not overwritten by who says which version they saw', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    const { id } = await alice.create({ title: 'One' })
    const patch = (title: string, match: string) =>
      alice.request('PATCH', `/api/Task/${id}`, { body: { title }, headers: { 'if-match': match } })
    expect((await patch('Two', '"1"')).status).toBe(200)
    const stale = await patch('Three', '"1"')
    expect(stale.status).toBe(412)
    expect(stale.body).toMatchObject({ code: 'version_conflict', current: { title: 'Two', version: 2 } })
    expect((await patch('Three', '*')).body).toMatchObject({ version: 3 })
  })

  test('are written once however often it is asked', async () => {
    const alice = await signInToBoard(board.url, 'alice', newTeam())
    const create = (title: string) =>
      alice.request('POST', '/api/Task', { body: { title }, headers: { 'idempotency-key': 'key-1' } })
    const [first, again] = await Promise.all([create('Once'), create('Once')])
    expect(again.body).toEqual(first.body)
    expect((await alice.request<{ rows: unknown[] }>('GET', '/api/Task')).body.rows).toHaveLength(1)
    const other = await create('Other')
    expect(other.status).toBe(422)
    expect(other.body).toMatchObject({ code: 'idempotency_key_reused' })
  })
})

describe('an admin', () => {
  interface Move {
    readonly to?: string
    readonly body?: unknown
    readonly method?: string
  }
  const move = (api: BoardApi, id: string, { to = '', body = { id, team: to }, method = 'PUT' }: Move) =>
    api.request(method, '/api/members', { body })

  test('moves a member to another team: their token sees its tasks, and no longer the others', async () => {
    const [red, blue] = [newTeam(), newTeam()]
    const admin = await signInToBoard(board.url, 'Root', 'admin')
    const bob = await signInToBoard(board.url, 'Bob moved', red)
    const carol = await signInToBoard(board.url, 'carol', blue)
    const ours = await bob.create({ title: 'Red' })
    const theirs = await carol.create({ title: 'Blue' })

    expect(await move(admin, 'Bob Moved', { to: blue })).toMatchObject({
      status: 200,
      body: { id: 'bob moved', team: blue },
    })
    expect((await bob.request('GET', '/api/session')).body).toEqual({
      user: { id: 'bob moved', name: 'Bob moved', team: blue },
    })
    expect((await bob.request('GET', `/api/Task/${ours.id}`)).status).toBe(404)
    expect((await bob.request('GET', `/api/Task/${theirs.id}`)).status).toBe(200)
    const { id } = await bob.create({ title: 'From Bob' })
    expect((await carol.request('GET', `/api/Task/${id}`)).body).toMatchObject({ team: blue })

    // Whoever signs in again has chosen again.
    const again = await signInToBoard(board.url, 'Bob moved', red)
    expect((await again.request('GET', `/api/Task/${ours.id}`)).status).toBe(200)
    await move(admin, 'bob moved', { to: blue })
    expect((await again.request('GET', `/api/Task/${ours.id}`)).status).toBe(404)
  })

  test('is the only one who can, and says whom and where to', async () => {
    const admin = await signInToBoard(board.url, 'Root', 'admin')
    const eve = await signInToBoard(board.url, 'eve', newTeam())
    const nobody = boardApi(board.url, '')
    const refusals: [BoardApi, string, Move, number][] = [
      [nobody, 'eve', { to: 'blue' }, 401],
      [eve, 'eve', { to: 'admin' }, 403],
      [eve, 'root', { to: 'blue' }, 403],
      [admin, 'eve', { to: '' }, 422],
      [admin, 'eve', { to: 'a\u0000b' }, 422],
      [admin, 'eve', { body: {} }, 422],
      [admin, 'eve', { body: { id: 7, team: 'blue' } }, 422],
      [admin, 'eve', { body: { id: 'eve' } }, 422],
      [admin, 'e\nve', { to: 'blue' }, 422],
      [admin, '', { to: 'blue' }, 422],
      [admin, 'eve', { body: '{' }, 400],
      [admin, 'eve', { body: { team: 'x'.repeat(5_000) } }, 413],
      [admin, 'eve', { to: 'blue', method: 'POST' }, 405],
    ]
    for (const [api, id, what, status] of refusals)
      expect((await move(api, id, what)).status, JSON.stringify([id, what])).toBe(status)
    expect((await eve.request('GET', '/api/session')).body).toMatchObject({ user: { team: `team${teams}` } })
  })

  test('who was moved away from admin is none any more', async () => {
    const first = await signInToBoard(board.url, 'First admin', 'admin')
    const second = await signInToBoard(board.url, 'Second admin', 'admin')
    expect((await move(first, 'second admin', { to: 'red' })).status).toBe(200)
    expect((await move(second, 'first admin', { to: 'red' })).status).toBe(403)
    expect((await second.request('POST', '/api/Task', { body: { title: 'x', team: 'blue' } })).status).toBe(
      403,
    )
  })

  test('moves many at once, and one twice, and that holds after a restart', async () => {
    await using folder = await temporaryFolder()
    await using own = await startBoard({
      DATABASE_URL: `file:${folder.file('tasks.db')}`,
      DNR_SECRET: 'of this test',
    })
    const admin = await signInToBoard(own.url, 'root', 'admin')
    const names = ['bob', 'a/b', '.', '..', '🦊'.repeat(64), 'İ'.repeat(64)]
    const people = await Promise.all(names.map((name) => signInToBoard(own.url, name, 'red')))
    const moves = ['blue', 'green'].flatMap((to) => names.map((name) => move(admin, name, { to })))
    expect((await Promise.all(moves)).map(({ status }) => status)).toEqual(moves.map(() => 200))
    const teamsNow = () =>
      Promise.all(
        people.map(async ({ token }) => {
          const { body } = await boardApi(own.url, token).request<{ user: { team: string } }>(
            'GET',
            '/api/session',
          )
          return body.user.team
        }),
      )
    const before = await teamsNow()
    await own.end('SIGTERM')
    await own.start()
    expect(await teamsNow()).toEqual(before)
    await move(boardApi(own.url, admin.token), 'bob', { to: 'yellow' })
    expect((await teamsNow())[0]).toBe('yellow')
  })

  test('hears who is connected; nobody else does', async () => {
    const admin = await signInToBoard(board.url, 'Root', 'admin')
    const bob = await signInToBoard(board.url, 'Bob', newTeam())
    const connect = async (token: string) =>
      openPlainClient(`${board.url.replace('http', 'ws')}/ws?token=${token}`)
    using his = await connect(bob.token)
    his.send({ type: 'subscribe', channel: 'room:members' })
    expect(await his.until('error')).toMatchObject({ payload: { code: 'forbidden' } })
    his.send({ type: 'subscribe', channel: 'user:bob' })
    await his.until('subscribed')
    using hers = await connect(admin.token)
    hers.send({ type: 'subscribe', channel: 'room:members' })
    const { payload } = await hers.until('members')
    expect(payload).toEqual({
      members: [
        { id: 'bob', name: 'Bob', team: `team${teams}`, connections: 1 },
        { id: 'root', name: 'Root', team: 'admin', connections: 1 },
      ],
    })
    await move(admin, 'bob', { to: 'blue' })
    expect(await his.until('team')).toMatchObject({
      channel: 'user:bob',
      payload: { team: 'blue', by: 'Root' },
    })
    expect(await hers.until('members')).toMatchObject({
      payload: { members: [{ id: 'bob', team: 'blue' }, {}] },
    })
  })

  test('is told why somebody got an event, where the server was started to tell', async () => {
    const path = '/api/explain?user=bob&channel=entity:Task&offset=1'
    const ofAll = await signInToBoard(board.url, 'Root', 'admin')
    expect((await ofAll.request('GET', path)).status).toBe(404)

    await using own = await startBoard({ EXPLAIN: '1' })
    const admin = await signInToBoard(own.url, 'root', 'admin')
    const bob = await signInToBoard(own.url, 'bob', 'red')
    await bob.create({ title: 'Red' })
    expect((await admin.request('GET', path)).status).toBe(404) // nobody of that name is connected
    using his = await openPlainClient(`${own.url.replace('http', 'ws')}/ws?token=${bob.token}`)
    his.send({ type: 'subscribe', channel: 'entity:Task' })
    await his.until('subscribed')
    expect(await admin.request('GET', path)).toMatchObject({
      status: 200,
      body: { isAllowed: true, group: expect.stringContaining('red') as string, outcome: 'created' },
    })
    for (const [api, asked, status] of [
      [bob, path, 403],
      [boardApi(own.url, ''), path, 401],
      [admin, '/api/explain?user=bob', 400],
      [admin, `${path}x`, 400],
    ] as const)
      expect((await api.request('GET', asked)).status, asked).toBe(status)
  })
})

describe('the rest of the server', () => {
  test('says how it is', async () => {
    const nobody = boardApi(board.url, '')
    const health = await nobody.request('GET', '/healthz')
    expect(health).toMatchObject({ status: 200, body: { ready: true } })
    const { status, headers, body } = await nobody.request<{ text: string }>('GET', '/metrics')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^text\/plain/)
    expect(body.text).toMatch(/^dnr_connections \d+$/m)
    for (const line of body.text.trim().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) dnr_\w+ .+|dnr_\w+ \d+)$/)
  })

  test('serves the page: never cached, its hashed files for ever, no script from elsewhere', async () => {
    const page = await fetch(board.url)
    const html = await page.text()
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const [script = ''] = /\/assets\/[\w-]+\.js/.exec(html) ?? []
    const answer = await fetch(board.url + script)
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(answer.headers.get('cache-control')).toContain('immutable')
    expect((await fetch(`${board.url}${script}`, { method: 'HEAD' })).headers.get('content-length')).not.toBe(
      '0',
    )
    expect((await fetch(`${board.url}/`, { method: 'POST' })).status).toBe(405)
  })

  test('no path leads out of the folder of the page', async () => {
    const paths = [
      '/../main.js',
      '/assets/../../main.js',
      '/%2e%2e/main.js',
      '/..%2fmain.js',
      '//etc/passwd',
      '/assets/',
    ]
    for (const path of paths) expect(await statusOfRawPath(path), path).toBe(404)
  })

  test('tokens and rows outlive a restart; a signal ends it with 0', async () => {
    await using folder = await temporaryFolder()
    const env = { DATABASE_URL: `file:${folder.file('deep/tasks.db')}`, DNR_SECRET: 'of this test' }
    await using own = await startBoard(env)
    const alice = await signInToBoard(own.url, 'alice', 'red')
    const { id } = await alice.create({ title: 'Kept' })
    expect(await own.end('SIGTERM')).toEqual({ code: 0, signal: null })
    await own.start()
    const again = boardApi(own.url, alice.token)
    expect((await again.request('GET', `/api/Task/${id}`)).body).toMatchObject({ title: 'Kept', version: 1 })
    expect(await own.end('SIGINT')).toEqual({ code: 0, signal: null })
  })

  test('without a secret tokens end with the process', async () => {
    await using own = await startBoard()
    const { token } = await signInToBoard(own.url, 'alice', 'red')
    await own.end('SIGTERM')
    await own.start()
    expect((await boardApi(own.url, token).request('GET', '/api/Task')).status).toBe(401)
  })

  test('a demonstration begins with tasks for every team, once', async () => {
    await using folder = await temporaryFolder()
    await using own = await startBoard({ DATABASE_URL: `file:${folder.file('tasks.db')}`, SEED_DEMO: '1' })
    const count = async (): Promise<number> => {
      const admin = await signInToBoard(own.url, 'root', 'admin')
      return (await admin.request<{ rows: unknown[] }>('GET', '/api/Task')).body.rows.length
    }
    const seeded = await count()
    expect(seeded).toBeGreaterThan(9)
    await own.end('SIGTERM')
    await own.start()
    expect(await count()).toBe(seeded)
  })

  test('/healthz says 503 and why while the database is in trouble', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('tasks.db')
    await using own = await startBoard({ DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' })
    const health = () => boardApi(own.url, '').request('GET', '/healthz')
    const database = new Database(path)
    database.exec('ALTER TABLE dnr_log_epochs RENAME TO taken_away')
    const { status, headers, body } = await health()
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('1')
    expect(body).toMatchObject({
      ready: false,
      code: 'storage_failed',
      message: expect.any(String) as string,
    })
    database.exec('ALTER TABLE taken_away RENAME TO dnr_log_epochs')
    database.close()
    expect(await health()).toMatchObject({ status: 200, body: { ready: true } })
  })

  test('a database that is damaged is not served: it ends with 1 and one line that says so', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('tasks.db')
    await writeFile(path, 'This was a database once. '.repeat(1_000))
    const { code, output } = await runBoard({ DATABASE_URL: `file:${path}` })
    expect(code).toBe(1)
    expect(output.trimEnd()).toMatch(/^The database file is damaged .*restore a backup.*$/)
  })

  test.for<[string, string, RegExp]>([
    ['PORT', '70000', /^PORT is "70000": expected a whole number from 0 to 65535\.$/],
    ['DATABASE_URL', 'postgres://x', /Postgres.*not supported yet/],
    ['DATABASE_URL', 'tasks.db', /^DATABASE_URL is "tasks\.db": expected file:PATH or :memory:\.$/],
    ['REDIS_URL', 'redis://x', /^REDIS_URL is not supported yet/],
    ['PRESENCE_TTL_MS', '-1', /^PRESENCE_TTL_MS is "-1"/],
    ['LOG_RETENTION', 'all', /^LOG_RETENTION is "all"/],
    [
      'DATABASE_URL',
      'file:/dev/null/x/y.db',
      /^DATABASE_URL: the folder of the file cannot be made\. .*\/dev\/null/,
    ],
    ['EXPLAIN', 'yes', /^EXPLAIN is "yes": expected 1 or 0\.$/],
    ['SEED_DEMO', 'yes', /^SEED_DEMO is "yes": expected 1 or 0\.$/],
    ['DNR_LIMITS', '[]', /^DNR_LIMITS is "\[\]": expected a JSON object/],
    ['DNR_LIMITS', '{"maxNonsense":1}', /^DNR_LIMITS: .*maxNonsense/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL is "loud": expected one of silent, error, info, debug\.$/],
  ])('%s=%s ends it with 1 and one line that says why', async ([name, value, line]) => {
    const { code, output } = await runBoard({ [name]: value })
    expect(code).toBe(1)
    expect(output.trimEnd()).toMatch(line)
    expect(output.trimEnd()).not.toContain('\n')
  })
})

test('explanations and production exclude each other', async () => {
  const { code, output } = await runBoard({ EXPLAIN: '1', NODE_ENV: 'production' })
  expect([code, output.trimEnd()]).toEqual([1, expect.stringMatching(/^EXPLAIN is for development/)])
})

/** `fetch` would tidy the path up before sending it. */
async function statusOfRawPath(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(board.url)
  const request = httpRequest({ hostname, port, path }).end()
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  response.resume()
  return response.statusCode
}
