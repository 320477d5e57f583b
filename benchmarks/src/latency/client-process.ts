// The watching side: `client-process.ts dnr` or `client-process.ts socket.io`, each with its own browser client.
import { createRealtimeClient } from '@dnr/client'
import { effect } from '@preact/signals-core'
import { io } from 'socket.io-client'
import type { Item } from '../contenders/item.ts'
import { answerParent } from '../process/child.ts'
import { monotonicMicros } from './monotonic-micros.ts'

const shownAt = new Map<number, number>()
const waiting = new Map<number, (at: number) => void>()
let close = (): void => {}

const show = (n: number): void => {
  const at = monotonicMicros()
  shownAt.set(n, at)
  waiting.get(n)?.(at)
}

answerParent(
  {
    start: () => null,
    connect: ({ port }: { port: number }) =>
      process.argv[2] === 'dnr' ? watchDnr(port) : watchSocketIo(port),
    shown: async ({ n }: { n: number }) => ({
      at: shownAt.get(n) ?? (await new Promise<number>((resolve) => waiting.set(n, resolve))),
    }),
  },
  async () => close(),
)

async function watchDnr(port: number): Promise<void> {
  const client = createRealtimeClient<{ Item: typeof Item }>({
    url: `ws://127.0.0.1:${port}/ws`,
    getToken: () => 'user1',
  })
  close = () => client.close()
  const items = client.collection('Item')
  await items.ready
  effect(() => {
    const [item] = items.rows.value
    if (item !== undefined) show(item.rank)
  })
}

function watchSocketIo(port: number): Promise<void> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] })
  close = () => void socket.close()
  socket.on('entity:updated', (message: { payload: { rank: number } }) => show(message.payload.rank))
  return new Promise((resolve) => void socket.once('connect', () => resolve()))
}
