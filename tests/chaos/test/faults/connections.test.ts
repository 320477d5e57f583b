// F06, F09–F13: what a network does to connections, and that nobody misses anything for it.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPresenceManager } from '@dnr/presence/client'
import { openBench, waitUntil } from '../../src/faults/bench.ts'
import { openPeople } from '../../src/faults/people.ts'
import type { Fault } from '../../src/proxy/fault.ts'

const breaking: readonly (Fault & { readonly id: string })[] = [
  { id: 'F06 cut, FIN', kind: 'cut', how: 'fin' },
  { id: 'F06 cut, RST', kind: 'cut', how: 'rst' },
  { id: 'F07 half-open both ways', kind: 'blackhole', way: 'both', forMs: 60_000 },
  { id: 'F07 half-open, nothing comes from the server', kind: 'blackhole', way: 'down', forMs: 60_000 },
  { id: 'F07 half-open, nothing comes from the client', kind: 'blackhole', way: 'up', forMs: 60_000 },
  { id: 'F08 the old connection lives on', kind: 'zombie', forMs: 2_000 },
  { id: 'F10 the tail is lost', kind: 'loseTail', forMs: 50 },
  { id: 'F11 half-closed by the server', kind: 'halfClose', way: 'down' },
  { id: 'F11 half-closed by the client', kind: 'halfClose', way: 'up' },
]

test.each(breaking)('$id: clients come back and go on where they stopped', async (fault) => {
  await using bench = await openBench({ env: { PRESENCE_TTL_MS: '5000' } })
  const watcher = await bench.watch({ heartbeatIntervalMs: 300, heartbeatTimeoutMs: 300 })
  const subscriber = await bench.subscribe()
  await bench.write(10)
  for (const link of bench.shaky.links) bench.shaky.inflict(link, fault)
  await bench.write(20)
  await waitUntil(() => watcher.socketCount >= 2 && watcher.shown.isLive(), 'the client to be back')
  await waitUntil(() => subscriber.connectionCount >= 2 && subscriber.isLive, 'the subscriber to be back')
  await bench.write(10)
  expect(await bench.violations()).toEqual([])
})

const harmless: readonly (Fault & { readonly id: string })[] = [
  { id: 'F09 stall', kind: 'stall', forMs: 600 },
  { id: 'F12 dribble', kind: 'dribble', maxBytes: 3, forMs: 60_000 },
]

test.each(harmless)('$id: nothing but later, on the same connection', async (fault) => {
  await using bench = await openBench()
  const watcher = await bench.watch({ heartbeatIntervalMs: 5_000, heartbeatTimeoutMs: 5_000 })
  await bench.write(5)
  for (const link of bench.shaky.links) bench.shaky.inflict(link, fault)
  await bench.write(15)
  expect(await bench.violations()).toEqual([])
  expect(watcher.socketCount).toBe(1)
})

test('F12 also the upgrade, a snapshot and an HTTP write may come byte by byte', async () => {
  await using bench = await openBench()
  await bench.write(5)
  const slow = setInterval(() => {
    for (const link of bench.shaky.links) link.up.segment(7)
    for (const link of bench.shaky.links) link.down.segment(7)
  }, 1)
  try {
    await bench.watch({ connectTimeoutMs: 10_000 })
    const body = { title: 'written in pieces' }
    const reply = await bench.ask({ method: 'POST', path: '/api/Task', body, timeoutMs: 10_000 }, bench.shaky)
    expect(reply?.status).toBe(201)
    expect(await bench.violations()).toEqual([])
  } finally {
    clearInterval(slow)
  }
})

// Packet loss reaches a program as delay alone: TCP sends again. `netem` and iptables are not on every machine, so the
// proxy delays, by more than a retransmission takes, and narrows the line to 1 Mbit/s.
test('F13 a round trip of a second on a narrow line: nothing but later, and nobody seems to leave', async () => {
  const delayMs = () => (Math.random() < 0.05 ? 900 : 400 + Math.random() * 150)
  const pipe = { delayMs, bytesPerSecond: 125_000 }
  await using bench = await openBench({ network: { up: pipe, down: () => pipe } })
  await using near = await openPeople(bench.steady.port, await bench.tokenOf('bob'))
  const watcher = await bench.watch({
    connectTimeoutMs: 15_000,
    requestTimeoutMs: 10_000,
    heartbeatTimeoutMs: 5_000,
  })
  const far = createPresenceManager({ transport: watcher.client }).join('board/red')
  await waitUntil(() => near.names().includes('alice'), 'bob to see alice')
  await bench.write(40)
  expect(await bench.violations()).toEqual([])
  await sleep(1_500)
  expect(watcher.socketCount).toBe(1)
  expect(near.left()).toEqual([])
  far.leave()
})
