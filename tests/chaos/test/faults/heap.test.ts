// F05: the heap of the server process runs out.
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { isAcknowledged } from '../../src/checks/check-writes.ts'
import { type Bench, openBench, waitUntil } from '../../src/faults/bench.ts'
import { startHttpWriter } from '../../src/processes/http-writer.ts'
import { createWritePlan } from '../../src/processes/write-plan.ts'
import { checkIntegrity } from '../../src/storm/read-database.ts'

const HEAP_MB = 64
/** Fewer than one user may have. */
const CONNECTIONS = 90
const SUBSCRIPTIONS = 50
const QUERY_IDS = 100

test('F05 the heap runs out: the process ends by itself, and from its file all go on where they stopped, nothing lost', async () => {
  await using bench = await openBench({ env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` } })
  const bea = await bench.tokenOf('bea', 'blue')
  await bench.write(5)
  const watcher = await bench.watch()
  const subscriber = await bench.subscribe()
  const plan = createWritePlan({
    userId: 'alice',
    team: 'red',
    sharedIds: ['row-0', 'row-1'],
    random: Math.random,
  })
  using stack = new DisposableStack()
  const writer = startHttpWriter({
    port: bench.steady.port,
    userId: 'alice',
    token: bench.token,
    random: Math.random,
    ...plan,
  })
  stack.defer(writer.close)
  const acknowledged = () => writer.records.filter(isAcknowledged).length
  await waitUntil(() => acknowledged() >= 20, 'some writes')

  console.log('The heap of the board runs out now: V8 says so on stderr.')
  const ended = bench.server.ended()
  const others = Array.from({ length: CONNECTIONS }, (_, own) => askForMuch(bench, bea, own))
  expect(await ended).toEqual({ code: null, signal: 'SIGABRT' })
  for (const other of others) other.terminate()
  const before = acknowledged()
  await bench.server.start()
  await waitUntil(() => acknowledged() >= before + 20, 'more writes')
  await writer.stop()
  await waitUntil(() => watcher.shown.isLive() && subscriber.isLive, 'everybody to be back')

  expect(await bench.violations(writer.records)).toEqual([])
  expect(checkIntegrity(bench.path)).toBe('ok')
  const answers = subscriber.stream.journal.filter((entry) => entry.kind === 'subscribed')
  expect(answers.length).toBeGreaterThanOrEqual(2)
  expect(answers.slice(1).every(({ recovered }) => recovered)).toBe(true)
})

/** As many subscriptions as one connection may have, each with a large query that is nobody else's: it is kept as long as they are there. */
function askForMuch(bench: Bench, token: string, own: number): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${bench.steady.upstream}/ws?token=${token}`)
  socket.on('error', () => {})
  socket.on('open', () => {
    for (let n = 0; n < SUBSCRIPTIONS; n++) {
      const ids = Array.from({ length: QUERY_IDS }, (_, index) => `${own}-${n}-${index}-`.padEnd(200, 'i'))
      const payload = { subscription: `k${n}`, query: { where: { id: { in: ids } } } }
      socket.send(JSON.stringify({ type: 'subscribe', channel: 'entity:Task', payload }))
    }
  })
  return socket
}
