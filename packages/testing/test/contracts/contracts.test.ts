import { jsonCodec } from '@dnr/protocol'
import { describe, expect, test } from 'vitest'
import {
  codecContract,
  createManualClock,
  createNetwork,
  createSeededRandom,
  createSocketPair,
  drainMicrotasks,
  type ServerSocketEvents,
  sinkContract,
  socketContract,
  type ClientEnd,
  type SocketFixture,
} from '../../src/index.ts'

describe('the JSON codec', () => {
  test.each(codecContract)('$name', ({ run }) => run(() => jsonCodec))
})

/** The client's end as the contract's peer. */
function peerOf(client: ClientEnd): SocketFixture['peer'] {
  const received: string[] = []
  let closedWith: number | null = null
  client.onmessage = ({ data }) => void received.push(String(data))
  client.onclose = ({ code }) => {
    closedWith = code
  }
  return {
    received,
    get closedWith() {
      return closedWith
    },
    send: (text) => client.send(text),
    close: (code) => client.close(code),
  }
}

describe('the socket pair', () => {
  test.each(socketContract)('$name', ({ run }) =>
    run(async (events) => {
      const pair = createSocketPair()
      pair.server.attach(events)
      const peer = peerOf(pair.client)
      await drainMicrotasks()
      return { socket: pair.server, peer, settle: drainMicrotasks, async [Symbol.asyncDispose]() {} }
    }),
  )
})

describe('a link of the network', () => {
  test.each(socketContract)('$name', ({ run }) =>
    run(async (events: ServerSocketEvents) => {
      const clock = createManualClock()
      const network = createNetwork({ clock, random: createSeededRandom(1) })
      network.listen(() => events)
      const peer = peerOf(network.host('ann').createSocket('ws://server/ws'))
      const settle = (): Promise<void> => clock.advance(1_000)
      await settle()
      const socket = network.host('ann').link?.server
      if (socket === undefined) throw new Error('no link')
      return { socket, peer, settle, async [Symbol.asyncDispose]() {} }
    }),
  )
})

test('a contract says what is wrong with an adapter', async () => {
  const forgetful = { publish() {} }
  const [whole] = sinkContract
  await expect(
    whole?.run(() => ({ sink: forgetful, delivered: () => [2, 1], gaps: () => 0 })),
  ).rejects.toThrow('delivered: expected [1,2,3], got [2,1]')
})
