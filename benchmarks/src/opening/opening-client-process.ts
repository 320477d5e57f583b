// One client that opens all rows, again and again. Asked by the parent: connect, open.
import { WebSocket } from 'ws'
import { answerParent } from '../process/child.ts'

interface Part {
  readonly rows: readonly unknown[]
  readonly more: boolean
}

let socket: WebSocket
let received = 0
let opened = (_rows: number): void => {}

answerParent(
  {
    start: () => null,
    connect: ({ port }: { port: number }) =>
      new Promise<void>((resolve) => {
        socket = new WebSocket(`ws://127.0.0.1:${port}/ws?token=user1`)
        socket.once('message', () => {
          socket.on('message', read)
          resolve()
        })
      }),
    open: () =>
      new Promise<{ rows: number }>((resolve) => {
        received = 0
        opened = (rows) => resolve({ rows })
        socket.send(
          JSON.stringify({ type: 'subscribe', channel: 'entity:Item', payload: { snapshot: true } }),
        )
      }),
  },
  async () => socket.terminate(),
)

function read(text: Buffer): void {
  const { type, payload } = JSON.parse(text.toString()) as {
    type: string
    payload: Part & { snapshot?: Part }
  }
  const part = type === 'subscribed' ? payload.snapshot : type === 'snapshot' ? payload : undefined
  if (part === undefined) return
  received += part.rows.length
  if (!part.more) opened(received)
}
