// All subscribers of one contender. Asked by the parent: start, connect, and to say when totals have arrived: to the parent, or to the
// server.
import { answerParent } from '../process/child.ts'
import { connectArrivals } from './arrival-signal.ts'
import { dialects } from './dialect.ts'
import { type LoadClient, startLoadClient } from './load-client.ts'

const AT_ONCE = 50

const opened: LoadClient[] = []
let received = 0
let expected = Number.POSITIVE_INFINITY
let arrived = (): void => {}
let tellServer = (): void => {}

const count = (): void => {
  if (++received >= expected) arrived()
}

answerParent(
  {
    start: () => null,
    connect: async ({
      port,
      dialect,
      clients,
    }: {
      port: number
      dialect: keyof typeof dialects
      clients: number
    }) => {
      for (let first = 0; first < clients; first += AT_ONCE) {
        const batch = Array.from({ length: Math.min(AT_ONCE, clients - first) }, (_, index) => first + index)
        opened.push(
          ...(await Promise.all(
            batch.map((client) => startLoadClient(port, client, dialects[dialect], count)),
          )),
        )
      }
    },
    // Each client its own text, all at once.
    say: ({ texts }: { texts: string[] }) => {
      for (const [client, text] of texts.entries()) opened[client]?.say(text)
    },
    arrival: ({ total }: { total: number }) =>
      new Promise<void>((resolve) => {
        expected = total
        arrived = () => {
          expected = Number.POSITIVE_INFINITY
          resolve()
        }
        if (received >= expected) arrived()
      }),
    signal: async ({ port }: { port: number }) => {
      tellServer = await connectArrivals(port)
    },
    // The server is told of each, one after the other.
    expect: ({ totals }: { totals: number[] }) => {
      const left = [...totals]
      const expectNext = (): void => {
        expected = left.shift() ?? Number.POSITIVE_INFINITY
      }
      arrived = () => {
        expectNext()
        tellServer()
      }
      expectNext()
    },
    received: () => ({ received }),
  },
  async () => {},
)
