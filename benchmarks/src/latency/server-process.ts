// The writing side of the latency comparison: `server-process.ts dnr FILE` or `server-process.ts socket.io`.
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { startDnrWithFile } from '../contenders/dnr-written.ts'
import { itemFields, itemMessage } from '../contenders/item.ts'
import { listenOnFreePort } from '../contenders/listen-on-free-port.ts'
import { answerParent } from '../process/child.ts'
import { monotonicMicros } from './monotonic-micros.ts'

interface Writer {
  readonly port: number
  /** Writes number `n`; resolves when the writer has its answer. */
  write(n: number): Promise<void>
  close(): Promise<void>
}

const [kind, file = ''] = process.argv.slice(2)
const writer = kind === 'dnr' ? await startDnrWriter() : await startSocketIoWriter()

answerParent(
  {
    start: () => null,
    port: () => ({ port: writer.port }),
    write: async ({ n }: { n: number }) => {
      const calledAt = monotonicMicros()
      await writer.write(n)
      const answeredAt = kind === 'dnr' ? monotonicMicros() : calledAt
      // The parent is told when the change is out: telling it costs as much as sending.
      await new Promise((resolve) => void setImmediate(resolve))
      return { calledAt, answeredAt }
    },
  },
  () => writer.close(),
)

async function startDnrWriter(): Promise<Writer> {
  const { items, port, close } = await startDnrWithFile(file)
  const row = itemFields(0)
  await items.create(row)
  return { port, write: async (n) => void (await items.update(row.id, { rank: n })), close }
}

/** No log and no permission: the emit is the whole write, so it is answered when it is called. */
async function startSocketIoWriter(): Promise<Writer> {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false })
  io.on('connection', (socket) => void socket.join('entity:Item'))
  const port = await listenOnFreePort(http)
  return {
    port,
    write: async (n) => void io.to('entity:Item').emit('entity:updated', itemMessage(n)),
    close: () => io.close(),
  }
}
