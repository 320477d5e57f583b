// Clients that are not resuming: they ask for a sign of life at fixed times, whether the last answer has come or not, so that a
// server that is held up is seen by all who asked meanwhile. Asked by the parent: connect, begin, end.
import { WebSocket } from 'ws'
import { monotonicMicros } from '../latency/monotonic-micros.ts'
import { answerParent } from '../process/child.ts'

const CLIENTS = 10
const EVERY_MS = 4

const sockets: WebSocket[] = []
let latencies: number[] = []
let next = 0
let due = 0
let timer: NodeJS.Timeout | undefined

answerParent(
  {
    start: () => null,
    connect: async ({ port }: { port: number }) => {
      await Promise.all(Array.from({ length: CLIENTS }, (_, client) => open(port, client)))
    },
    begin: () => {
      latencies = []
      due = monotonicMicros()
      timer = setInterval(askWhatIsDue, 1)
    },
    end: () => {
      clearInterval(timer)
      return { latencies }
    },
  },
  async () => {
    for (const socket of sockets) socket.terminate()
  },
)

function open(port: number, client: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?token=healthy${client}`)
  sockets.push(socket)
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.once('message', () => {
      socket.on('message', (text: Buffer) => {
        const { requestId } = JSON.parse(text.toString()) as { requestId: string }
        latencies.push(monotonicMicros() - Number(requestId))
      })
      resolve()
    })
  })
}

// Timed from when it is sent: what keeps this process itself waiting is not the server's.
function askWhatIsDue(): void {
  if (monotonicMicros() < due) return
  due += EVERY_MS * 1_000
  if (sockets.length > 0)
    sockets[next++ % CLIENTS]?.send(JSON.stringify({ type: 'ping', requestId: `${monotonicMicros()}` }))
}
