// F07, F08: connections that are dead at one end, and what others see of their owners.
import { createPresenceManager } from '@dnr/presence/client'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openBench, waitUntil } from '../../src/faults/bench.ts'
import { openPeople } from '../../src/faults/people.ts'

const TTL_MS = 8_000
const HEARTBEAT_MS = TTL_MS / 10
/** Timers on a busy machine. */
const SLACK_MS = 2_000

test('F07 half-open: the server drops the connection by its heartbeat, the client by its own, and presence ends in time', async () => {
  await using bench = await openBench({ env: { PRESENCE_TTL_MS: String(TTL_MS) } })
  await using bob = await openPeople(bench.steady.port, await bench.tokenOf('bob'))
  const heartbeat = { heartbeatIntervalMs: 500, heartbeatTimeoutMs: 500 }
  const watcher = await bench.watch(heartbeat)
  createPresenceManager({ transport: watcher.client }).join('board/red')
  await waitUntil(() => bob.names().includes('alice'), 'bob to see alice')
  expect(await bench.metric('dnr_connections')).toBe(2)

  bench.shaky.refuse(60_000)
  for (const link of bench.shaky.links)
    bench.shaky.inflict(link, { kind: 'blackhole', way: 'both', forMs: 60_000 })
  const startedAt = performance.now()
  // An interval, the time-out, and a last second for frames that wait in the socket.
  const noticedMs = await waitUntil(() => !watcher.client.connected.peek(), 'the client to notice')
  expect(noticedMs).toBeLessThan(500 + 500 + 1_000 + SLACK_MS)
  // Two pings unanswered, then a second for the close to be answered.
  await waitUntil(async () => (await bench.metric('dnr_connections')) === 1, 'the server to notice')
  expect(performance.now() - startedAt).toBeLessThan(3 * HEARTBEAT_MS + 1_000 + SLACK_MS)
  await waitUntil(() => !bob.names().includes('alice'), 'alice to be gone')
  expect(performance.now() - startedAt).toBeLessThan(TTL_MS + SLACK_MS)
  expect(bob.left()).toEqual(['alice'])
})

test('F08 zombie: back on a new connection while the old one lives on, alice is one person who never left', async () => {
  await using bench = await openBench({ env: { PRESENCE_TTL_MS: String(TTL_MS) } })
  await using bob = await openPeople(bench.steady.port, await bench.tokenOf('bob'))
  const watcher = await bench.watch()
  createPresenceManager({ transport: watcher.client }).join('board/red')
  await waitUntil(() => bob.names().includes('alice'), 'bob to see alice')
  await bench.write(5)

  for (const link of bench.shaky.links) bench.shaky.inflict(link, { kind: 'zombie', forMs: 60_000 })
  await waitUntil(() => bob.member('alice')?.connections === 2, 'alice to be back beside her old connection')
  await bench.write(10)
  await waitUntil(() => bob.member('alice')?.connections === 1, 'the old connection to be dropped')
  await sleep(1_000)
  expect(bob.names().toSorted()).toEqual(['alice', 'bob'])
  expect(bob.left()).toEqual([])
  expect(await bench.metric('dnr_connections')).toBe(2)
  expect(await bench.violations()).toEqual([])
})
