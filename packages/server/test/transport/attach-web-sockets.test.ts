// Real sockets on port 0.
import { Agent, createServer, type IncomingMessage, request as httpRequest, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { attachWebSockets, type AttachOptions } from '../../src/ws.ts'
import type { RealtimeServerOptions } from '../../src/server/options.ts'
import { resolveOptions } from '../../src/server/options.ts'
import { createPolicies, createRealtimeCore, type RealtimeCore } from '../../src/server/realtime-core.ts'
import type { User } from '../support/entities.ts'
import { createMemoryStore, type MemoryStore, task } from '../support/memory-store.ts'
import { authenticate, noWrites, type Received, teamPolicy } from '../support/test-server.ts'

interface Running extends RealtimeCore {
  readonly http: Server
  readonly port: number
  readonly memory: MemoryStore
  readonly logged: string[]
  /** A client that keeps what it gets. */
  open(path?: string, protocols?: string[], options?: ClientOptions): Client
  [Symbol.asyncDispose](): Promise<void>
}

interface Client {
  readonly ws: WebSocket
  readonly received: Received[]
  /** Resolves when so many messages have come. */
  count(messages: number): Promise<Received[]>
  readonly closed: Promise<{ code: number; reason: string }>
  /** The status of a refused upgrade. */
  readonly refused: Promise<number>
}

async function start(
  options: RealtimeServerOptions<User> & { attach?: AttachOptions; before?: (http: Server) => void } = {},
): Promise<Running> {
  const { attach = {}, before, ...others } = options
  const memory = createMemoryStore()
  const logged: string[] = []
  const log = (message: string, details?: object): void =>
    void logged.push(`${message} ${JSON.stringify(details ?? {})}`)
  const resolved = resolveOptions<User>({
    repositories: [memory.store],
    history: memory.history,
    authenticate,
    policies: teamPolicy,
    logger: { error: log, info: log, debug: log },
    ...others,
  })
  const core = createRealtimeCore(resolved, createPolicies(resolved), noWrites)
  memory.sink = core.eventBus
  const http = createServer((_, response) => response.end('ok'))
  before?.(http)
  attachWebSockets(
    { webSockets: core.connections, limits: resolved.limits, clock: resolved.clock, logger: resolved.logger },
    http,
    attach,
  )
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const opened: WebSocket[] = []
  return {
    ...core,
    http,
    port,
    memory,
    logged,
    open(path = '/ws?token=ann@red', protocols = ['dnr.v1'], wsOptions = {}) {
      const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, wsOptions)
      opened.push(ws)
      const received: Received[] = []
      ws.on('message', (data: Buffer) => void received.push(JSON.parse(data.toString()) as Received))
      ws.on('error', () => {})
      const closed = new Promise<{ code: number; reason: string }>((resolve) =>
        ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
      )
      const refused = new Promise<number>((resolve) =>
        ws.on('unexpected-response', (_: unknown, response: IncomingMessage) =>
          resolve(response.statusCode ?? 0),
        ),
      )
      const count = async (messages: number): Promise<Received[]> => {
        while (received.length < messages) await once(ws, 'message')
        return received
      }
      return { ws, received, count, closed, refused }
    },
    async [Symbol.asyncDispose]() {
      core.connections.stop()
      for (const ws of opened) ws.terminate()
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

/** Writes raw bytes and gives what comes back until the other side ends. */
async function raw(port: number, text: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => (answer += data.toString('latin1')))
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}

const upgrade = (target: string, headers: readonly string[] = []): string =>
  [
    `GET ${target} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '',
    '',
  ].join('\r\n')

test('connects, subscribes and hears a change', async () => {
  await using server = await start()
  const client = server.open()
  await client.count(1)
  expect(client.ws.protocol).toBe('dnr.v1')
  client.ws.send('{"type":"subscribe","channel":"entity:Task"}')
  await client.count(2)
  server.memory.write([{ id: 'a', row: task('red', 'é€😀') }])
  const [, , event] = await client.count(3)
  expect(event).toMatchObject({ type: 'entity:created', payload: { title: 'é€😀' } })
})

test('16 changes of one tick reach every socket in order', async () => {
  await using server = await start()
  const clients = Array.from({ length: 20 }, () => server.open())
  for (const client of clients) {
    await client.count(1)
    client.ws.send('{"type":"subscribe","channel":"entity:Task"}')
    await client.count(2)
  }
  for (let count = 0; count < 16; count++)
    server.memory.write([{ id: `t${count}`, row: task('red', 'x'.repeat(count * 20)) }])
  for (const client of clients) {
    const events = (await client.count(18)).slice(2)
    expect(events.map(({ payload }) => payload.id)).toEqual(
      Array.from({ length: 16 }, (_, index) => `t${index}`),
    )
  }
})

test('a close comes after what was said before it, and nothing after it', async () => {
  await using server = await start()
  const client = server.open()
  const [connected] = await client.count(1)
  server.connections.sendToUser('ann', { type: 'message', payload: 'last words' })
  server.connections.disconnect(connected?.payload.connectionId as string, 4403, 'forbidden')
  server.connections.sendToUser('ann', { type: 'message', payload: 'too late' })
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' })
  expect(
    client.received.map(({ type, payload }) => [type, typeof payload === 'string' ? payload : null]),
  ).toEqual([
    ['connected', null],
    ['message', 'last words'],
  ])
})

test('frames that come with the upgrade are not lost', async () => {
  await using server = await start({ authenticate: async () => ({ id: 'ann', team: 'red' }) })
  const socket = connect(server.port, '127.0.0.1')
  const text = '{"type":"ping","requestId":"early"}'
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
  let answer = ''
  socket.write(
    Buffer.concat([Buffer.from(upgrade('/ws?token=t', ['Sec-WebSocket-Protocol: dnr.v1'])), frame]),
  )
  for await (const data of socket) {
    answer += (data as Buffer).toString('latin1')
    if (answer.includes('"early"')) break
  }
  expect(answer.indexOf('"connected"')).toBeLessThan(answer.indexOf('"pong"'))
  expect(answer).toContain('Sec-WebSocket-Protocol: dnr.v1')
})

test('a token in the second subprotocol signs in and is never echoed', async () => {
  await using server = await start()
  const client = server.open('/ws', ['dnr.v1', 'bearer.ann.red'], {})
  const [connected] = await client.count(1)
  expect(connected?.payload.userId).toBe('ann.red')
  expect(client.ws.protocol).toBe('dnr.v1')
  const answer = await raw(
    server.port,
    upgrade('/ws', ['Sec-WebSocket-Protocol: bearer.s3cret, dnr.v1', 'Connection: close']).replace(
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Version: 7',
    ),
  )
  expect(answer).not.toContain('s3cret')
})

test('an Authorization header signs in too', async () => {
  await using server = await start()
  const client = server.open('/ws', ['dnr.v1'], { headers: { authorization: 'Bearer bob@red' } })
  expect((await client.count(1))[0]?.payload.userId).toBe('bob')
})

test('cookies reach authenticate', async () => {
  const seen: unknown[] = []
  await using server = await start({
    authenticate: ({ cookies, token }) => {
      seen.push(cookies.get('sid'), cookies.get('x'), token)
      return { id: 'ann', team: 'red' }
    },
  })
  const headers = { cookie: 'sid=a%20b; x=%ff; sid=other', origin: `http://127.0.0.1:${server.port}` }
  await server.open('/ws', ['dnr.v1'], { headers }).count(1)
  expect(seen).toEqual(['a b', '%ff', null])
})

test('a bad token closes with 4401 after the handshake, and is in no log line', async () => {
  await using server = await start()
  expect(await server.open('/ws?token=bad').closed).toEqual({ code: 4401, reason: 'unauthorized' })
  await server.open('/ws?token=s3cret@red').count(1)
  expect(server.logged.join()).not.toContain('s3cret')
})

test('a foreign page with cookies gets 403, the page of the same host connects', async () => {
  await using server = await start()
  const foreign = server.open('/ws', ['dnr.v1'], {
    headers: { cookie: 'sid=1', origin: 'https://evil.example' },
  })
  expect(await foreign.refused).toBe(403)
  const own = server.open('/ws', ['dnr.v1'], {
    headers: { cookie: 'sid=1', origin: `http://127.0.0.1:${server.port}` },
  })
  expect((await own.count(1))[0]?.type).toBe('connected')
})

test('an origin that is not in the list gets 403', async () => {
  await using server = await start({ attach: { origins: ['https://app.example.com'] } })
  expect(await server.open('/ws', ['dnr.v1'], { headers: { origin: 'https://evil.example' } }).refused).toBe(
    403,
  )
  await server.open('/ws', ['dnr.v1'], { headers: { origin: 'https://app.example.com' } }).count(1)
})

test.each(['/other', '/ws/', '/wsx', '/WS', '/'])(
  'an upgrade of %s gets 404 when nobody else listens',
  async (path) => {
    await using server = await start()
    expect(await raw(server.port, upgrade(path))).toMatch(/^HTTP\/1\.1 404 /)
  },
)

test.each(['//', '//ws', '/ws?token=%ff', '/%', 'http://x/ws'])(
  'a malformed target %s gets 400',
  async (target) => {
    await using server = await start()
    expect(await raw(server.port, upgrade(target))).toMatch(/^HTTP\/1\.1 400 /)
    await server.open().count(1)
  },
)

test('an upgrade of another path is left to another listener', async () => {
  await using server = await start({
    before: (http) =>
      http.on('upgrade', (request, socket) => {
        if (request.url === '/theirs') socket.end('HTTP/1.1 418 Mine\r\n\r\n')
      }),
  })
  expect(await raw(server.port, upgrade('/theirs'))).toMatch(/^HTTP\/1\.1 418 /)
})

test('an upgrade that nobody answers gets 404 after ten seconds, so that the server can close', async () => {
  const clock = createManualClock()
  await using server = await start({ clock, before: (http) => http.on('upgrade', () => {}) })
  const socket = connect(server.port, '127.0.0.1')
  const arrived = once(server.http, 'upgrade')
  socket.write(upgrade('/nobody'))
  await arrived
  let answer = ''
  socket.on('data', (data) => (answer += data.toString('latin1')))
  await clock.advance(9_999)
  expect(answer).toBe('')
  await clock.advance(1)
  await once(socket, 'close')
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  expect(clock.pendingTimers).toBe(0)
})

test('an upgrade that an earlier listener has accepted is left alone, however silent it is', async () => {
  const clock = createManualClock()
  const others = new WebSocketServer({ noServer: true })
  const accepted = Promise.withResolvers<WebSocket>()
  await using server = await start({
    clock,
    before: (http) =>
      http.on('upgrade', (request, socket, head) => {
        if (request.url === '/theirs') others.handleUpgrade(request, socket, head, accepted.resolve)
      }),
  })
  const client = server.open('/theirs', [])
  const theirs = await accepted.promise
  await once(client.ws, 'open')
  await clock.advance(10_000)
  // Whatever was written in between would come first, and be no frame.
  theirs.send('{"type":"hello"}')
  expect(await Promise.race([client.closed, client.count(1)])).toEqual([{ type: 'hello' }])
})

test('an upgrade that nobody answers gets 404 also on a connection that has been answered before', async () => {
  const clock = createManualClock()
  await using server = await start({ clock, before: (http) => http.on('upgrade', () => {}) })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (headers: Record<string, string>) =>
    httpRequest({ port: server.port, host: '127.0.0.1', path: '/nobody', agent, headers }).end()
  const [first] = (await once(ask({}), 'response')) as [IncomingMessage]
  await once(first.resume(), 'end')
  const arrived = once(server.http, 'upgrade')
  const second = once(ask({ connection: 'Upgrade', upgrade: 'websocket' }), 'response')
  const [, socket] = (await arrived) as [IncomingMessage, Socket]
  expect(socket.bytesWritten).toBeGreaterThan(0)
  await clock.advance(10_000)
  expect(((await second) as [IncomingMessage])[0].statusCode).toBe(404)
  agent.destroy()
})

test('too many headers, a wrong method and a bad key are refused', async () => {
  await using server = await start()
  const many = Array.from({ length: 120 }, (_, index) => `X-${index}: 1`)
  expect(await raw(server.port, upgrade('/ws', many))).toMatch(/^HTTP\/1\.1 431 /)
  expect(await raw(server.port, upgrade('/ws').replace('GET', 'POST'))).toMatch(/^HTTP\/1\.1 405 /)
  expect(await raw(server.port, upgrade('/ws').replace('dGhl', '!!!!'))).toMatch(/^HTTP\/1\.1 400 /)
})

test('no compression is negotiated', async () => {
  await using server = await start()
  const client = server.open('/ws?token=ann@red', ['dnr.v1'], { perMessageDeflate: true })
  await client.count(1)
  expect(client.ws.extensions).toBe('')
})

test('one address may have so many connections, more get 503', async () => {
  await using server = await start({ limits: { maxConnectionsPerAddress: 2 } })
  await server.open().count(1)
  await server.open().count(1)
  expect(await server.open().refused).toBe(503)
})

test('a frame over maxFrameBytes ends its connection with 1009, nobody else’s', async () => {
  await using server = await start()
  const [big, other] = [server.open(), server.open()]
  await big.count(1)
  await other.count(1)
  big.ws.send('x'.repeat(70_000))
  expect((await big.closed).code).toBe(1009)
  other.ws.send('{"type":"ping"}')
  expect((await other.count(2))[1]?.type).toBe('pong')
})

test('a binary frame is answered; invalid UTF-8 ends the connection', async () => {
  await using server = await start()
  const client = server.open()
  await client.count(1)
  client.ws.send(Buffer.from([1, 2, 3]))
  expect((await client.count(2))[1]?.payload.code).toBe('binary_frame')
  client.ws.send(Buffer.from([0xff, 0xfe]), { binary: false })
  expect((await client.closed).code).toBe(1007)
})

test('a flood of fragments ends its connection', async () => {
  await using server = await start()
  const client = server.open()
  await client.count(1)
  for (let count = 0; count < 100; count++) client.ws.send('x', { fin: false })
  expect([1002, 1008, 1009, 1006]).toContain((await client.closed).code)
})

test('sockets that reset in the middle of everything harm nobody', async () => {
  await using server = await start({ authenticate: () => new Promise(() => {}) })
  for (let count = 0; count < 20; count++) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(upgrade('/ws?token=t'))
    await once(socket, 'connect')
    socket.resetAndDestroy()
  }
  const guest = server.open('/ws')
  expect((await guest.count(1))[0]?.payload.userId).toBeNull()
})

test('a peer that does not read is cut off at maxQueueBytes; others miss nothing', async () => {
  await using server = await start({ limits: { maxQueueBytes: 100_000 } })
  const [slow, healthy] = [server.open(), server.open('/ws?token=bob@red')]
  for (const client of [slow, healthy]) {
    await client.count(1)
    client.ws.send('{"type":"subscribe","channel":"entity:Task"}')
    await client.count(2)
  }
  slow.ws.pause()
  const isClosing = (): boolean => server.logged.some((line) => line.includes('does not read'))
  let written = 0
  while (!isClosing() && written < 1_000) {
    server.memory.write([{ id: `t${written++}`, row: task('red', 'x'.repeat(50_000)) }])
    await healthy.count(2 + written)
  }
  expect(isClosing()).toBe(true)
  slow.ws.resume()
  expect(await slow.closed).toEqual({ code: 4408, reason: 'slow_consumer' })
  expect(healthy.received).toHaveLength(2 + written)
})

test('a reader that is slow, but takes something between two heartbeats, is not taken for dead; one that stops is', async () => {
  const clock = createManualClock()
  await using server = await start({ clock })
  const client = server.open()
  await client.count(1)
  const tcp = (client.ws as unknown as { _socket: Socket })._socket
  const sayMuch = (): void => {
    for (let count = 0; count < 30; count++)
      server.connections.sendToUser('ann', { type: 'message', payload: 'x'.repeat(1_000_000) })
  }
  client.ws.pause()
  sayMuch()
  for (let bytes = 5_000_000; bytes <= 30_000_000; bytes += 5_000_000) {
    client.ws.resume()
    while (tcp.bytesRead < bytes) await once(tcp, 'data')
    client.ws.pause()
    await clock.advance(25_000)
    expect(server.connections.connectionCount).toBe(1)
  }
  client.ws.resume()
  await client.count(31)
  client.ws.pause()
  sayMuch()
  await clock.advance(4 * 25_000)
  expect(server.connections.connectionCount).toBe(0)
})

test('a reader that takes less than a whole write in half a minute gets its snapshot; one that stops does not', async () => {
  const clock = createManualClock()
  await using server = await start({ clock, limits: { maxQueueBytes: 40_000_000 } })
  for (const id of ['t1', 't2']) server.memory.write([{ id, row: task('red', 'x'.repeat(25_000_000)) }])
  const open = async (): Promise<{ client: Client; tcp: Socket }> => {
    const client = server.open()
    await client.count(1)
    client.ws.pause()
    client.ws.send('{"type":"subscribe","channel":"entity:Task","payload":{"snapshot":true}}')
    const isSent = (): boolean =>
      [...server.connections.all()].some(({ socket }) => socket.bufferedBytes > 20_000_000)
    while (!isSent()) {
      await new Promise(setImmediate)
      await clock.advance(1)
    }
    return { client, tcp: (client.ws as unknown as { _socket: Socket })._socket }
  }
  const { client, tcp } = await open()
  for (let bytes = 5_000_000; bytes <= 25_000_000; bytes += 5_000_000) {
    client.ws.resume()
    while (tcp.bytesRead < bytes) await once(tcp, 'data')
    client.ws.pause()
    await clock.advance(20_000)
    expect(server.logged.filter((line) => line.includes('does not read'))).toEqual([])
  }
  client.ws.resume()
  await client.count(2)
  while (client.received.length < 3) {
    await new Promise(setImmediate)
    await clock.advance(10)
  }
  expect(client.received.map(({ type }) => type)).toEqual(['connected', 'subscribed', 'snapshot'])
  await open()
  await clock.advance(31_000)
  expect(server.logged.filter((line) => line.includes('does not read'))).toHaveLength(1)
})

test('a peer that sends pings and never reads is cut off, and others are served', async () => {
  const sockets: Socket[] = []
  await using server = await start({
    before: (http) => http.on('connection', (socket: Socket) => sockets.push(socket)),
  })
  const flooder = server.open()
  await flooder.count(1)
  flooder.ws.pause()
  const [socket] = sockets
  if (socket === undefined) throw new Error('There is no connection.')
  const payload = Buffer.alloc(125)
  // Few at once are answered at once: only when the buffers of the system are full do answers wait.
  const atOnce = 50
  for (let sent = 0; sent < 500_000 && !socket.destroyed; sent += atOnce) {
    const read = socket.bytesRead
    for (let count = 0; count < atOnce; count++) flooder.ws.ping(payload)
    while (socket.bytesRead === read && !socket.destroyed) await new Promise(setImmediate)
    expect(socket.writableLength).toBeLessThan(100_000)
  }
  expect(socket.destroyed).toBe(true)
  await server.open('/ws?token=bob@red').count(1)
})

test('a refused peer that never closes keeps no socket', async () => {
  await using server = await start({ attach: { origins: ['https://app.example'] } })
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write(upgrade('/ws', ['Origin: https://evil.example']))
  const [, accepted] = (await once(server.http, 'upgrade')) as [IncomingMessage, Socket]
  if (!accepted.destroyed) await once(accepted, 'close')
  expect(accepted.destroyed).toBe(true)
  socket.destroy()
})

test('handleUpgrade takes an upgrade whatever its path', async () => {
  const memory = createMemoryStore()
  const resolved = resolveOptions<User>({ repositories: [memory.store], authenticate, policies: teamPolicy })
  const core = createRealtimeCore(resolved, createPolicies(resolved), noWrites)
  const http = createServer()
  const attached = attachWebSockets({ webSockets: core.connections, ...resolved }, http)
  attached.detach()
  http.on('upgrade', (request, socket, head) => attached.handleUpgrade(request, socket, head))
  http.listen(0)
  await once(http, 'listening')
  const ws = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/anything`, ['dnr.v1'])
  const [data] = (await once(ws, 'message')) as [Buffer]
  expect(JSON.parse(data.toString())).toMatchObject({ type: 'connected' })
  ws.terminate()
  http.close()
  await once(http, 'close')
  core.connections.stop()
})

test('a path that is none is refused by name', async () => {
  const resolved = resolveOptions({})
  const core = createRealtimeCore(resolved, createPolicies(resolved), noWrites)
  expect(() =>
    attachWebSockets({ webSockets: core.connections, ...resolved }, createServer(), { path: 'ws' }),
  ).toThrowError('path is "ws"')
})
