import type { ServerEnd, ServerSocketEvents } from '../socket/server-end.ts'
import { type ContractCase, holds, same } from './contract.ts'

/** A server's socket under test, and its peer. */
export interface SocketFixture extends AsyncDisposable {
  /** Fits `ServerSocket` of `@dnr/server`; whoever made it calls `events`. */
  readonly socket: Pick<ServerEnd, 'send' | 'close' | 'terminate' | 'ping' | 'bufferedBytes'>
  readonly peer: {
    readonly received: readonly string[]
    /** How the peer saw it end, `null` while it has not. */
    readonly closedWith: number | null
    send(text: string): void
    close(code: number): void
  }
  /** Resolves when everything under way has arrived. */
  settle(): Promise<void>
}

type Make = (events: ServerSocketEvents) => Promise<SocketFixture>

/** What every transport's socket keeps. */
export const socketContract: readonly ContractCase<Make>[] = [
  {
    name: 'frames arrive in order, before a later close',
    async run(make) {
      await using fixture = await make(listener().events)
      const { socket, peer, settle } = fixture
      for (let each = 0; each < 100; each++) socket.send(frame(`${each}`))
      socket.close(4503, 'draining')
      await settle()
      same(peer.received.join(), Array.from({ length: 100 }, (_, each) => each).join(), 'frames')
      same(peer.closedWith, 4503, 'close code')
    },
  },
  {
    name: 'frames of the peer arrive in order',
    async run(make) {
      const { events, heard } = listener()
      await using fixture = await make(events)
      for (let each = 0; each < 20; each++) fixture.peer.send(`${each}`)
      await fixture.settle()
      same(heard.join(), Array.from({ length: 20 }, (_, each) => each).join(), 'frames')
    },
  },
  {
    name: 'after close nothing more is sent, and nothing throws',
    async run(make) {
      await using fixture = await make(listener().events)
      const { socket, peer, settle } = fixture
      socket.close(1000, '')
      socket.send(frame('late'))
      socket.ping()
      socket.close(4503, 'again')
      await settle()
      socket.send(frame('later'))
      await settle()
      same([peer.received, peer.closedWith], [[], 1000], 'what the peer saw')
    },
  },
  {
    name: 'closed is called once, and never from within a method',
    async run(make) {
      let isInside = false
      const closes: boolean[] = []
      await using fixture = await make({ ...listener().events, closed: () => void closes.push(isInside) })
      const { socket, settle } = fixture
      isInside = true
      socket.send(frame('one'))
      socket.close(1000, '')
      socket.terminate()
      isInside = false
      await settle()
      socket.terminate()
      await settle()
      same(closes, [false], 'calls of closed, and whether they came from within')
    },
  },
  {
    name: 'a close of the peer is told with its code',
    async run(make) {
      const { events, closes } = listener()
      await using fixture = await make(events)
      fixture.peer.close(4321)
      await fixture.settle()
      same(closes, [4321], 'codes')
    },
  },
  {
    name: 'a ping is answered by the peer',
    async run(make) {
      let pongs = 0
      await using fixture = await make({ ...listener().events, pong: () => void pongs++ })
      fixture.socket.ping()
      await fixture.settle()
      same(pongs, 1, 'pongs')
    },
  },
  {
    name: 'what has arrived no longer counts as buffered',
    async run(make) {
      await using fixture = await make(listener().events)
      fixture.socket.send(frame('x'.repeat(1_000)))
      await fixture.settle()
      holds(fixture.socket.bufferedBytes === 0, 'buffered', fixture.socket.bufferedBytes)
    },
  },
]

function listener(): { events: ServerSocketEvents; heard: string[]; closes: number[] } {
  const heard: string[] = []
  const closes: number[] = []
  const events = {
    message: (text: string) => void heard.push(text),
    binary() {},
    pong() {},
    closed: (code: number) => void closes.push(code),
  }
  return { events, heard, closes }
}

function frame(text: string): { text: string; byteLength: number } {
  return { text, byteLength: text.length }
}
