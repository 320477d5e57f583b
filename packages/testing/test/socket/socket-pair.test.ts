import { expect, test } from 'vitest'
import {
  type ClientEnd,
  createManualClock,
  createSocketPair,
  drainMicrotasks,
  type SocketPair,
  type SocketPairOptions,
} from '../../src/index.ts'

const frame = (text: string) => ({ text, byteLength: text.length })

/** A pair whose ends write down what they hear. */
function listenIn(options: SocketPairOptions = {}): { pair: SocketPair; client: string[]; server: string[] } {
  const pair = createSocketPair(options)
  const client: string[] = []
  const server: string[] = []
  const handlers: Pick<ClientEnd, 'onopen' | 'onmessage' | 'onerror' | 'onclose'> = {
    onopen: () => client.push('open'),
    onmessage: ({ data }) => client.push(String(data)),
    onerror: () => client.push('error'),
    onclose: ({ code, reason, wasClean }) => client.push(`close ${code} ${reason} ${wasClean}`),
  }
  Object.assign(pair.client, handlers)
  pair.server.attach({
    message: (text) => server.push(text),
    binary: () => server.push('binary'),
    pong: () => server.push('pong'),
    closed: (code, reason) => server.push(`closed ${code} ${reason}`),
  })
  return { pair, client, server }
}

test('opens in a microtask and delivers in order both ways', async () => {
  const { pair, client, server } = listenIn()
  expect(pair.client.readyState).toBe(0)
  pair.server.send(frame('a'))
  pair.server.send(frame('b'))
  expect(client).toEqual([])
  await drainMicrotasks()
  expect(client).toEqual(['open', 'a', 'b'])
  pair.client.send('c')
  pair.client.send(new Uint8Array(3))
  expect(server).toEqual([])
  await drainMicrotasks()
  expect(server).toEqual(['c', 'binary'])
})

test('the client answers pings by itself', async () => {
  const { pair, server } = listenIn()
  pair.server.ping()
  await drainMicrotasks()
  expect(server).toEqual(['pong'])
})

test('what the client sent before the server attached arrives afterwards, in order', async () => {
  const pair = createSocketPair()
  await drainMicrotasks()
  pair.client.send('one')
  await drainMicrotasks()
  pair.client.send('two')
  const heard: string[] = []
  pair.server.attach({ message: (text) => heard.push(text), binary() {}, pong() {}, closed() {} })
  await drainMicrotasks()
  expect(heard).toEqual(['one', 'two'])
})

test('a close by the server arrives after what it sent, and is clean on both ends', async () => {
  const { pair, client, server } = listenIn()
  pair.server.send(frame('last'))
  pair.server.close(4401, 'token_expired')
  pair.server.send(frame('too late'))
  await drainMicrotasks()
  expect(client).toEqual(['open', 'last', 'close 4401 token_expired true'])
  expect(server).toEqual(['closed 4401 token_expired'])
  expect(pair.server.closedWith).toEqual({ code: 4401, reason: 'token_expired' })
  expect(pair.client.readyState).toBe(3)
})

test('a close by the client is clean on both ends; without a code it is 1005', async () => {
  const { pair, client, server } = listenIn()
  await drainMicrotasks()
  pair.client.close()
  expect(pair.client.readyState).toBe(2)
  pair.client.send('dropped')
  await drainMicrotasks()
  expect(client).toEqual(['open', 'close 1005  true'])
  expect(server).toEqual(['closed 1005 '])
})

test('cut: both see 1006, once, and what was under way is lost', async () => {
  const { pair, client, server } = listenIn()
  await drainMicrotasks()
  pair.server.send(frame('lost'))
  pair.client.send('lost too')
  pair.cut()
  pair.cut()
  await drainMicrotasks()
  expect(client).toEqual(['open', 'error', 'close 1006  false'])
  expect(server).toEqual(['closed 1006 '])
})

test('terminate: both see 1006 though the client reads nothing', async () => {
  const { pair, client, server } = listenIn()
  await drainMicrotasks()
  pair.stall()
  pair.server.terminate()
  await drainMicrotasks()
  expect(server).toEqual(['closed 1006 '])
  expect(client).toEqual(['open', 'error', 'close 1006  false'])
})

test('stall: bytes pile up in the sender, resume delivers them', async () => {
  const { pair, client, server } = listenIn()
  await drainMicrotasks()
  pair.stall()
  pair.server.send(frame('12345'))
  pair.client.send('é')
  await drainMicrotasks()
  expect([pair.server.bufferedBytes, pair.client.bufferedAmount]).toEqual([5, 2])
  pair.resume()
  await drainMicrotasks()
  expect([client.at(-1), server.at(-1)]).toEqual(['12345', 'é'])
  expect([pair.server.bufferedBytes, pair.client.bufferedAmount]).toEqual([0, 0])
})

test('stall can work one way', async () => {
  const { pair, client, server } = listenIn()
  await drainMicrotasks()
  pair.stall('to-client')
  pair.server.send(frame('held'))
  pair.client.send('through')
  await drainMicrotasks()
  expect([client, server]).toEqual([['open'], ['through']])
})

test('blackhole: nothing arrives and nobody is told; a close ends after its time-out alone', async () => {
  const clock = createManualClock()
  const { pair, client, server } = listenIn({ clock })
  await drainMicrotasks()
  pair.server.send(frame('under way'))
  pair.blackhole()
  pair.client.send('x')
  pair.server.ping()
  pair.client.close(1000)
  await clock.advance(29_999)
  expect([client, server]).toEqual([['open'], []])
  await clock.advance(1)
  expect([client, server]).toEqual([['open', 'error', 'close 1006  false'], []])
  pair.server.terminate()
  await drainMicrotasks()
  expect(server).toEqual(['closed 1006 '])
  expect(clock.pendingTimers).toBe(0)
})

test('the handshake can be held, completed and refused', async () => {
  const held = listenIn({ opens: false })
  await drainMicrotasks()
  expect(held.client).toEqual([])
  expect(() => held.pair.client.send('early')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }))
  held.pair.open()
  await drainMicrotasks()
  expect(held.client).toEqual(['open'])

  const refused = listenIn({ opens: false })
  refused.pair.refuse()
  await drainMicrotasks()
  expect(refused.client).toEqual(['error', 'close 1006  false'])
})

test('a client that closes while connecting sees 1006', async () => {
  const { pair, client, server } = listenIn({ opens: false })
  pair.client.close()
  await drainMicrotasks()
  expect(client).toEqual(['error', 'close 1006  false'])
  expect(server).toEqual(['closed 1006 '])
})

test.each([1001, 1006, 2999, 5000])('a client cannot close with %s, as in a browser', async (code) => {
  const { pair } = listenIn()
  await drainMicrotasks()
  expect(() => pair.client.close(code)).toThrow(expect.objectContaining({ name: 'InvalidAccessError' }))
})
