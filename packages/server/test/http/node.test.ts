import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { type FetchHandler, toNodeListener } from '../../src/node.ts'
import { task } from '../writes/fixtures.ts'
import { setting } from './setting.ts'

interface Running extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly server: Server
}

async function serve(listener: (...given: Parameters<RequestListener>) => unknown): Promise<Running> {
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing)).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const asAnn = { authorization: 'Bearer ann' }

/** Posts on a connection that is kept alive; the status of the answer. */
async function post(port: number, agent: Agent, token: string, body: string | Uint8Array): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const sender = httpRequest({ port, agent, method: 'POST', path: '/api/Task', headers }).end(body)
  const [answer] = (await once(sender, 'response')) as [IncomingMessage]
  await once(answer.resume(), 'end')
  return answer.statusCode ?? 0
}

/** Sends bytes as they are, and reads until the server ends. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk as string
  return answer
}

test('serves entities from a plain http server', async () => {
  const { handler } = setting([task('t1')])
  await using running = await serve(toNodeListener(handler))
  const created = await fetch(`${running.url}/api/Task`, {
    method: 'POST',
    body: '{"title":"Grüße"}',
    headers: asAnn,
  })
  expect(created.status).toBe(201)
  expect(await created.json()).toMatchObject({ title: 'Grüße' })
  const list = await fetch(`${running.url}/api/Task?where=${encodeURIComponent('{"id":"t1"}')}`, {
    headers: asAnn,
  })
  expect(await list.json()).toMatchObject({ rows: [{ id: 't1' }] })
  const deleted = await fetch(`${running.url}/api/Task/t1`, { method: 'DELETE', headers: asAnn })
  expect([deleted.status, deleted.headers.get('dnr-position')]).toEqual([204, 'e1:2'])
})

test('HEAD has the headers of GET and no body', async () => {
  await using running = await serve(toNodeListener(setting([task('t1')]).handler))
  const head = await fetch(`${running.url}/api/Task/t1`, { method: 'HEAD', headers: asAnn })
  expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, '"1"', ''])
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0)
})

test.each([
  ['announced', true],
  ['streamed', false],
])('a body over the limit gets its 413, %s', async (_name, isAnnounced) => {
  await using running = await serve(toNodeListener(setting().handler))
  const bytes = new Uint8Array(300_000).fill(0x20)
  const body = isAnnounced ? bytes : new Blob([bytes]).stream()
  const answer = await fetch(`${running.url}/api/Task`, {
    method: 'POST',
    body,
    headers: asAnn,
    ...(isAnnounced ? {} : { duplex: 'half' }),
  })
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([413, 'too_big'])
})

test('who goes on sending after an early answer is cut off', async () => {
  await using running = await serve(toNodeListener(setting().handler))
  const sender = httpRequest({ port: running.port, method: 'POST', path: '/api/Task', agent: false })
  const cut = new Promise<'cut'>((resolve) =>
    sender.on('error', () => resolve('cut')).on('close', () => resolve('cut')),
  )
  sender.on('response', (answer: IncomingMessage) => answer.resume())
  const written = (): Promise<'written'> =>
    new Promise((resolve) => sender.write(new Uint8Array(65_536), () => resolve('written')))
  let sent = 0
  while (sent < 200 && (await Promise.race([cut, written()])) === 'written') sent++
  expect(sent).toBeLessThan(200)
})

test.each([
  ['a refused token', 'bad', 401],
  ['a body that is too big', 'ann', 413],
])('a connection that is kept alive serves on after %s', async (_what, token, status) => {
  await using running = await serve(toNodeListener(setting().handler))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const connected = once(running.server, 'connection')
  const unread = new Uint8Array(900_000).fill(0x20)
  expect(await post(running.port, agent, token, unread)).toBe(status)
  await connected
  const again = once(running.server, 'connection').then(() => 'another connection')
  expect(await Promise.race([again, post(running.port, agent, 'ann', '{"title":"next"}')])).toBe(201)
  agent.destroy()
})

test('who sends without end is cut off on a connection that is kept alive, too', async () => {
  await using running = await serve(toNodeListener(setting().handler))
  for (const method of ['POST', 'GET']) {
    const socket = connect(running.port, '127.0.0.1').on('error', () => {})
    socket.resume().write(`${method} /api/Task HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n`)
    const [accepted] = (await once(running.server, 'connection')) as [Socket]
    await once(socket, 'data')
    const goOn = (): void => void socket.write(new Uint8Array(65_536), (error) => error ?? goOn())
    goOn()
    await once(accepted, 'close')
    expect(accepted.bytesRead).toBeGreaterThan(1_048_576)
    expect(accepted.bytesRead).toBeLessThan(2_000_000)
  }
})

test('who reads a body beyond the answer gets an error when the answer is out first', async () => {
  const broken = Promise.withResolvers<unknown>()
  const handler: FetchHandler = async (request) => {
    void request.text().catch(broken.resolve)
    return new Response('at once')
  }
  await using running = await serve(toNodeListener(handler))
  const sender = httpRequest({ port: running.port, method: 'POST', headers: { 'content-length': 9 } })
  sender.on('error', () => {}).write('half')
  expect(await broken.promise).toMatchObject({
    message: 'The request was answered before its body had come.',
  })
  sender.destroy()
})

test.each(['/api/%', '//', '/api/Task/%ff', '/\\\\x', '/?%'])(
  'the target %s harms nobody',
  async (target) => {
    await using running = await serve(toNodeListener(setting().handler))
    const answer = await exchange(
      running.port,
      `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 (400|404|401) /)
  },
)

test.each(['http://[', '*', 'http://evil/api/Task'])('the target %s is 400', async (target) => {
  await using running = await serve(toNodeListener(setting().handler))
  const answer = await exchange(
    running.port,
    `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1.1 400 /)
})

test('a method that cannot be a Request is 400', async () => {
  await using running = await serve(toNodeListener(setting().handler))
  expect(
    await exchange(running.port, 'TRACE /api/Task HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 400 /)
})

test('a handler that throws is 500 and tells nothing', async () => {
  await using running = await serve(toNodeListener(() => Promise.reject(new Error('secret'))))
  const answer = await fetch(running.url)
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('secret')
})

test('the handler learns that the client has gone, and where it was', async () => {
  const gone = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<string | undefined>()
  const handler: FetchHandler = async (request, { remoteAddress }) => {
    asked.resolve(remoteAddress)
    await once(request.signal, 'abort')
    gone.resolve()
    return new Response('too late')
  }
  await using running = await serve(toNodeListener(handler))
  const abort = new AbortController()
  const answer = fetch(running.url, { signal: abort.signal }).catch(() => 'aborted')
  expect(await asked.promise).toBe('127.0.0.1')
  abort.abort()
  await gone.promise
  expect(await answer).toBe('aborted')
})

test('a body that stops halfway ends the request and nothing else', async () => {
  const { handler, store } = setting()
  const answers: number[] = []
  const done = Promise.withResolvers<void>()
  const watched: FetchHandler = async (request, peer) => {
    const response = await handler(request, peer)
    answers.push(response.status)
    done.resolve()
    return response
  }
  await using running = await serve(toNodeListener(watched))
  const socket = connect(running.port, '127.0.0.1')
  socket.write(
    'POST /api/Task HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\nContent-Length: 50\r\n\r\n{"title":',
  )
  await once(running.server, 'request')
  socket.destroy()
  await done.promise
  expect(store.rows.size).toBe(0)
  const next = await fetch(`${running.url}/api/Task`, { headers: asAnn })
  expect(next.status).toBe(200)
})

test.each(['GET', 'POST'])(
  'a %s whose client went before the listener got it comes to its end',
  async (method) => {
    const settled = Promise.withResolvers<boolean>()
    const handler: FetchHandler = async (request) => {
      const { aborted } = request.signal
      await request.text().catch(() => {})
      settled.resolve(aborted)
      return new Response('x'.repeat(200_000))
    }
    const listener = toNodeListener(handler)
    const served = Promise.withResolvers<void>()
    await using running = await serve(async (incoming, outgoing) => {
      // As a middleware that asks a database.
      await new Promise((resolve) => incoming.on('error', () => {}).socket.on('close', resolve))
      await listener(incoming, outgoing).then(served.resolve)
    })
    const socket = connect(running.port, '127.0.0.1')
    socket.write(`${method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"title":`)
    await once(running.server, 'request')
    socket.destroy()
    expect(await settled.promise).toBe(true)
    await served.promise
  },
)

test('works mounted under a path, and behind a body parser, as in Express', async () => {
  const listener = toNodeListener(setting().handler)
  await using running = await serve((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
        void listener(Object.assign(incoming, { originalUrl: incoming.url, url: '/Task', body }), outgoing)
      })
  })
  const answer = await fetch(`${running.url}/api/Task`, {
    method: 'POST',
    body: '{"title":"parsed"}',
    headers: asAnn,
  })
  expect([answer.status, ((await answer.json()) as { title: string }).title]).toEqual([201, 'parsed'])
})

test('several cookies of an answer stay several, and a stream is written as it comes', async () => {
  await using running = await serve(
    toNodeListener(async () => {
      const headers = new Headers({ 'content-type': 'text/plain' })
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new Response(new Blob(['x'.repeat(200_000)]).stream(), { headers })
    }),
  )
  const answer = await fetch(running.url)
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect((await answer.text()).length).toBe(200_000)
})
