import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createFrameCutter, textOf } from '../../src/proxy/frame-cutter.ts'
import type { Fault } from '../../src/proxy/fault.ts'
import { createFaultDeck } from '../../src/proxy/fault-deck.ts'
import type { Link } from '../../src/proxy/link.ts'
import { startTcpProxy, type TcpProxyOptions } from '../../src/proxy/tcp-proxy.ts'
import { createSeededRandom } from '@dnr/testing'

/** A client and a server that are joined by a proxy, and what each of them has seen. */
async function joined(options: TcpProxyOptions = {}) {
  const listener = createServer({ allowHalfOpen: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const proxy = await startTcpProxy(options)
  proxy.upstream = (listener.address() as AddressInfo).port
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const client = watch(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }))
  const server = watch((await accepted)[0])
  await expect.poll(() => proxy.links.length).toBe(1)
  const link = proxy.links[0] as Link
  return {
    client,
    server,
    inflict: (fault: Fault) => proxy.inflict(link, fault),
    proxy,
    async [Symbol.asyncDispose]() {
      client.socket.destroy()
      server.socket.destroy()
      await proxy[Symbol.asyncDispose]()
      listener.close()
    },
  }
}

function watch(socket: Socket) {
  const chunks: Buffer[] = []
  const seen = { text: () => Buffer.concat(chunks).toString(), chunks, isEnded: false, error: '' }
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('end', () => (seen.isEnded = true))
  socket.on('error', (error: NodeJS.ErrnoException) => (seen.error = error.code ?? ''))
  return Object.assign(seen, { socket })
}

test('carries bytes and ends both ways', async () => {
  await using pair = await joined()
  pair.client.socket.end('up')
  pair.server.socket.write('down')
  await expect.poll(() => pair.server.text()).toBe('up')
  await expect.poll(() => pair.client.text()).toBe('down')
  expect([pair.server.isEnded, pair.client.isEnded]).toEqual([true, false])
  pair.server.socket.end()
  await expect.poll(() => pair.proxy.links).toEqual([])
})

test('cut: an orderly end, or a reset, for both', async () => {
  await using orderly = await joined()
  orderly.inflict({ kind: 'cut', how: 'fin' })
  await expect.poll(() => [orderly.client.isEnded, orderly.server.isEnded]).toEqual([true, true])
  await using broken = await joined()
  broken.inflict({ kind: 'cut', how: 'rst' })
  await expect.poll(() => [broken.client.error, broken.server.error]).toEqual(['ECONNRESET', 'ECONNRESET'])
})

test('stall: nothing moves, then everything in order', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'stall', forMs: 80 })
  for (const text of ['a', 'b', 'c']) pair.server.socket.write(text)
  await sleep(40)
  expect(pair.client.text()).toBe('')
  await expect.poll(() => pair.client.text()).toBe('abc')
})

test('blackhole: bytes and ends vanish without a sign; at last both ends see a reset', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'blackhole', way: 'both', forMs: 100 })
  pair.server.socket.write('lost')
  pair.client.socket.end('lost')
  await sleep(50)
  expect([pair.client.text(), pair.server.text(), pair.server.isEnded]).toEqual(['', '', false])
  await expect.poll(() => [pair.client.error, pair.server.error]).toEqual(['ECONNRESET', 'ECONNRESET'])
})

test('blackhole one way: the other way goes on', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'blackhole', way: 'down', forMs: 5_000 })
  pair.server.socket.write('lost')
  pair.client.socket.write('heard')
  await expect.poll(() => pair.server.text()).toBe('heard')
  expect(pair.client.text()).toBe('')
})

test('loseTail: what the server sends is taken and lost, then the connection breaks', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'loseTail', forMs: 50 })
  await new Promise<void>((resolve) => pair.server.socket.write('tail', () => resolve()))
  await expect.poll(() => pair.client.error).toBe('ECONNRESET')
  expect(pair.client.text()).toBe('')
})

test('halfClose: one way ends, the other goes on', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'halfClose', way: 'down' })
  await expect.poll(() => pair.client.isEnded).toBe(true)
  pair.client.socket.write('still here')
  await expect.poll(() => pair.server.text()).toBe('still here')
})

test('dribble: the same bytes in small segments', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'dribble', maxBytes: 3, forMs: 5_000 })
  pair.server.socket.write('abcdefghij')
  await expect.poll(() => pair.client.text()).toBe('abcdefghij')
  expect(pair.client.chunks.length).toBeGreaterThan(1)
})

test('loseReply: the question arrives, the answer does not', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'loseReply' })
  pair.client.socket.write('question')
  await expect.poll(() => pair.server.text()).toBe('question')
  expect(pair.client.error).toBe('')
  pair.server.socket.write('answer')
  await expect.poll(() => pair.client.error).toBe('ECONNRESET')
  expect(pair.client.text()).toBe('')
})

test('zombie: the client is told at once, the server not', async () => {
  await using pair = await joined()
  pair.inflict({ kind: 'zombie', forMs: 100 })
  await expect.poll(() => pair.client.error).toBe('ECONNRESET')
  pair.server.socket.write('into the void')
  await sleep(30)
  expect([pair.server.error, pair.server.isEnded]).toEqual(['', false])
  await expect.poll(() => pair.server.error).toBe('ECONNRESET')
})

test('refuse: newcomers are reset for a while; without a server, too', async () => {
  await using pair = await joined()
  pair.proxy.refuse(60)
  const refused = watch(connect({ port: pair.proxy.port, host: '127.0.0.1' }))
  await expect.poll(() => refused.error).toBe('ECONNRESET')
  pair.proxy.heal()
  pair.proxy.upstream = null
  const nobody = watch(connect({ port: pair.proxy.port, host: '127.0.0.1' }))
  await expect.poll(() => nobody.error).toBe('ECONNRESET')
})

test('heal: what was held goes on at once, what was cut off is reset', async () => {
  await using held = await joined()
  held.inflict({ kind: 'stall', forMs: 60_000 })
  held.server.socket.write('late')
  held.proxy.heal()
  await expect.poll(() => held.client.text()).toBe('late')
  await using apart = await joined()
  apart.inflict({ kind: 'zombie', forMs: 60_000 })
  apart.proxy.heal()
  await expect.poll(() => apart.server.error).toBe('ECONNRESET')
})

test('delay and rate: later, slower, in order', async () => {
  await using pair = await joined({ down: () => ({ delayMs: () => 40, bytesPerSecond: 10_000 }) })
  const startedAt = performance.now()
  for (const text of ['a'.repeat(300), 'b'.repeat(300)]) pair.server.socket.write(text)
  await expect.poll(() => pair.client.text().length).toBe(600)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(40)
  expect(pair.client.text()).toBe('a'.repeat(300) + 'b'.repeat(300))
})

test('the frame cutter finds whole frames however the bytes come', () => {
  const frame = (text: string): Buffer => {
    const body = Buffer.from(text)
    const head =
      body.length < 126
        ? Buffer.from([0x81, body.length])
        : Buffer.from([0x81, 126, body.length >> 8, body.length & 255])
    return Buffer.concat([head, body])
  }
  const texts = ['one', 'x'.repeat(300), 'three']
  const bytes = Buffer.concat([Buffer.from('HTTP/1.1 101 \r\n\r\n'), ...texts.map(frame)])
  const seen: string[] = []
  const cut = createFrameCutter((each) => {
    seen.push(textOf(each))
    return textOf(each) === 'one' ? [] : [each]
  })
  const out = Buffer.concat([...bytes].flatMap((byte) => cut(Buffer.from([byte]))))
  expect(seen).toEqual(texts)
  expect(out.toString('latin1')).toBe(bytes.toString('latin1').replace('\x81\x03one', ''))
})

test('the same seed deals the same faults, and every kind once a round', () => {
  const [first, second] = [createFaultDeck(createSeededRandom(7)), createFaultDeck(createSeededRandom(7))]
  const faults = Array.from({ length: 16 }, first)
  expect(Array.from({ length: 16 }, second)).toEqual(faults)
  expect(new Set(faults.slice(0, 8).map(({ kind }) => kind)).size).toBe(8)
})
