import { expect, test } from 'vitest'
import {
  createManualClock,
  createNetwork,
  createSeededRandom,
  createUnreliableSink,
  type Network,
  type ServerEnd,
  type ManualClock,
  type ClientEnd,
} from '../../src/index.ts'

interface Setting {
  readonly clock: ManualClock
  readonly network: Network
  readonly sockets: ServerEnd[]
  readonly heard: string[]
  connect(host: string): { readonly client: ClientEnd; readonly got: string[] }
}

function setUp(seed = 1): Setting {
  const clock = createManualClock()
  const network = createNetwork({ clock, random: createSeededRandom(seed), latencyMs: [10, 50] })
  const sockets: ServerEnd[] = []
  const heard: string[] = []
  const accept = (socket: ServerEnd, { token }: { token: string | null }) => {
    sockets.push(socket)
    return {
      message: (text: string) => void heard.push(`${token}: ${text}`),
      binary() {},
      pong() {},
      closed: (code: number) => void heard.push(`${token} closed ${code}`),
    }
  }
  network.listen(accept)
  const connect: Setting['connect'] = (host) => {
    const client = network.host(host).createSocket('ws://server/ws', ['dnr.v1', `bearer.${host}`])
    const got: string[] = []
    client.onopen = () => void got.push('open')
    client.onmessage = ({ data }) => void got.push(String(data))
    client.onclose = ({ code }) => void got.push(`closed ${code}`)
    return { client, got }
  }
  return { clock, network, sockets, heard, connect }
}

const say = (socket: ServerEnd | undefined, ...texts: readonly string[]): void => {
  for (const text of texts) socket?.send({ text, byteLength: text.length })
}

test('frames take their time and keep their order', async () => {
  const { clock, sockets, heard, connect } = setUp()
  const { client, got } = connect('ann')
  await clock.advance(9)
  expect(got).toEqual([])
  await clock.advance(100)
  say(sockets[0], 'a', 'b', 'c', 'd', 'e', 'f')
  client.send('hello')
  await clock.advance(9)
  expect(got).toEqual(['open'])
  await clock.advance(100)
  expect(got.join('')).toBe('openabcdef')
  expect(heard).toEqual(['ann: hello'])
})

test('nobody listening, or a refused host: the client sees 1006', async () => {
  const { clock, network, connect } = setUp()
  network.host('bob').isRefused = true
  const bob = connect('bob')
  await clock.advance(200)
  network.listen(() => expect.unreachable()).close()
  const cid = connect('cid')
  await clock.advance(200)
  expect([bob.got, cid.got]).toEqual([['closed 1006'], ['closed 1006']])
})

test('a killed server says nothing more, and its clients see 1006', async () => {
  const { clock, network } = setUp()
  const closed: number[] = []
  const listener = network.listen((socket) => {
    say(socket, 'welcome')
    return { message() {}, binary() {}, pong() {}, closed: (code) => void closed.push(code) }
  })
  const client = network.host('ann').createSocket('ws://server/ws')
  const got: string[] = []
  client.onmessage = ({ data }) => void got.push(String(data))
  client.onclose = ({ code }) => void got.push(String(code))
  await clock.advance(200)
  listener.kill()
  say(network.host('ann').link?.server, 'from the dead')
  await clock.advance(200)
  expect(got).toEqual(['welcome', '1006'])
  expect(closed).toEqual([])
})

test('several servers: newcomers are shared out among them, and those of one that was killed go to the others', async () => {
  const { clock, network } = setUp()
  const accept = (name: string) => (socket: ServerEnd) => {
    say(socket, name)
    return { message() {}, binary() {}, pong() {}, closed() {} }
  }
  const first = network.listen(accept('first'))
  network.listen(accept('second'), { beside: true })
  const answers = async (round: string) => {
    const got: string[] = []
    for (let index = 0; index < 20; index++) {
      const client = network.host(`${round} ${index}`).createSocket('ws://server/ws')
      client.onmessage = ({ data }) => void got.push(String(data))
    }
    await clock.advance(200)
    return got
  }
  const both = await answers('both')
  expect([both.length, new Set(both)]).toEqual([20, new Set(['first', 'second'])])
  first.kill()
  expect(await answers('one')).toEqual(Array.from({ length: 20 }, () => 'second'))
})

test('a lost tail: what was under way last never arrives, and no side is told', async () => {
  const { clock, network, sockets, connect } = setUp()
  const { got } = connect('ann')
  await clock.advance(200)
  say(sockets[0], 'a', 'b', 'c', 'd')
  network.host('ann').link?.loseTail(2)
  say(sockets[0], 'e')
  await clock.advance(10_000)
  expect(got).toEqual(['open', 'a', 'b'])
})

test('a zombie: the client is told, the server goes on', async () => {
  const { clock, network, sockets, heard, connect } = setUp()
  const { got } = connect('ann')
  await clock.advance(200)
  network.host('ann').link?.leaveZombie()
  await clock.advance(200)
  say(sockets[0], 'anybody?')
  await clock.advance(200)
  expect(got).toEqual(['open', 'closed 1006'])
  expect(heard).toEqual([])
})

test('what a link does not take counts as buffered at the sender', async () => {
  const { clock, network, sockets, connect } = setUp()
  connect('ann')
  await clock.advance(200)
  network.host('ann').link?.stall('to-client')
  say(sockets[0], 'x'.repeat(65_536))
  expect(sockets[0]?.bufferedBytes).toBe(0)
  say(sockets[0], 'y'.repeat(10))
  expect(sockets[0]?.bufferedBytes).toBe(10)
  network.heal()
  await clock.advance(200)
  expect(sockets[0]?.bufferedBytes).toBe(0)
})

test('weather comes from the seed: the same each time, another with another seed', async () => {
  const run = async (seed: number): Promise<string> => {
    const { clock, network, sockets, connect } = setUp(seed)
    const { got } = connect('ann')
    network.setWeather({ stall: 0.2, cut: 0.02 })
    for (let each = 0; each < 100; each++) {
      say(sockets[0], String(each))
      await clock.advance(100)
      got.push(`at ${clock.monotonic()}`)
    }
    return got.join()
  }
  expect(await run(1)).toBe(await run(1))
  expect(await run(1)).not.toBe(await run(2))
})

test('an unreliable sink delivers at least once, in order', async () => {
  const taken: string[] = []
  const sink = createUnreliableSink(
    { publish: (changes) => void taken.push(...changes.map(({ id }) => id)) },
    { random: createSeededRandom(3), fails: 0.3, repeats: 0.3 },
  )
  for (let each = 0; each < 50; each++) {
    for (let isTaken = false; !isTaken;) {
      isTaken = await Promise.resolve(sink.publish([{ id: String(each) } as never])).then(
        () => true,
        () => false,
      )
    }
  }
  expect([...new Set(taken)]).toEqual(Array.from({ length: 50 }, (_, each) => String(each)))
  expect(taken.length).toBeGreaterThan(50)
})
