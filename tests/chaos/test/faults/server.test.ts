// F01, F03, F04, F21: what happens to the server process and its log.
import { createPresenceManager } from '@dnr/presence/client'
import { expect, test } from 'vitest'
import { openBench, waitUntil } from '../../src/faults/bench.ts'
import type { Reply } from '../../src/processes/ask.ts'
import { openPeople } from '../../src/faults/people.ts'

test('F03 stopped for a while: clients notice, come back when it goes on, and get nothing twice', async () => {
  await using bench = await openBench()
  await using bob = await openPeople(bench.steady.port, await bench.tokenOf('bob'))
  const watcher = await bench.watch({
    heartbeatIntervalMs: 300,
    heartbeatTimeoutMs: 300,
    connectTimeoutMs: 1_000,
  })
  const subscriber = await bench.subscribe()
  createPresenceManager({ transport: watcher.client }).join('board/red')
  await waitUntil(() => bob.names().includes('alice'), 'bob to see alice')
  await bench.write(20)
  bench.server.signal('SIGSTOP')
  const writing = bench.ask({
    method: 'PATCH',
    path: '/api/Task/row-1',
    body: { rank: -1 },
    timeoutMs: 15_000,
  })
  await waitUntil(() => !watcher.client.connected.peek(), 'the client to notice')
  bench.server.signal('SIGCONT')
  expect((await writing)?.status).toBe(200)
  await waitUntil(() => watcher.shown.isLive() && subscriber.isLive, 'everybody to be back')
  await bench.write(10)
  expect(await bench.violations()).toEqual([])
  await waitUntil(() => bob.member('alice')?.connections === 1, 'alice to be one person with one connection')
})

test('F04 SIGTERM with a thousand clients: it ends by itself, takes nobody new, and all of them go on where they stopped', async () => {
  await using bench = await openBench({ env: { DNR_LIMITS: '{"maxConnectionsPerUser":null}' } })
  const subscribers = await Promise.all(Array.from({ length: 1_000 }, () => bench.subscribe()))
  const watcher = await bench.watch()
  await bench.write(10)
  await waitUntil(async () => (await bench.metric('dnr_connections')) > 1_000, 'everybody to be connected')
  const startedAt = performance.now()
  const { code, signal } = await bench.server.terminate()
  expect({ code, signal }).toEqual({ code: 0, signal: null })
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  await bench.server.start()
  await bench.write(10)
  await waitUntil(
    () => watcher.shown.isLive() && subscribers.every(({ isLive }) => isLive),
    'everybody to be back',
  )
  expect(await bench.violations()).toEqual([])
  // The beginning, and every way back: nobody read all rows again.
  for (const { stream } of subscribers) {
    const answers = stream.journal.filter((entry) => entry.kind === 'subscribed')
    expect(answers.length).toBeGreaterThanOrEqual(2)
    expect(answers.slice(1).every(({ recovered }) => recovered)).toBe(true)
  }
})

test('F21 the log is trimmed under a client that was away: told so, it takes the difference, never a part of the replay', async () => {
  await using bench = await openBench({ env: { LOG_RETENTION: '20' } })
  const watcher = await bench.watch()
  const subscriber = await bench.subscribe()
  await bench.write(10)
  await waitUntil(() => watcher.shown.collection.rows.peek().length === 5, 'the rows')
  const kept = watcher.shown.collection.byId('row-0')
  bench.shaky.refuse(60_000)
  for (const link of bench.shaky.links) bench.shaky.inflict(link, { kind: 'cut', how: 'rst' })
  await waitUntil(() => watcher.shown.collection.status.peek() === 'stale', 'the collection to be stale')
  for (let rank = 0; rank < 60; rank++)
    await bench.ask({ method: 'PATCH', path: `/api/Task/row-${1 + (rank % 4)}`, body: { rank } })
  // It trims when it starts, and every ten seconds.
  await bench.server.kill()
  await bench.server.start()
  const counts: number[] = []
  watcher.shown.collection.rows.subscribe((rows) => counts.push(rows.length))
  bench.shaky.heal()
  await waitUntil(() => watcher.shown.isLive() && subscriber.isLive, 'everybody to be back')
  await bench.write(5)
  const reply = await bench.ask({ method: 'GET', path: '/api/Task' })
  const truth = ((reply as Reply).body['rows'] as { id: string }[]).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  await expect.poll(() => watcher.shown.collection.rows.peek(), { timeout: 5_000 }).toEqual(truth)
  expect(counts.every((count) => count === 5)).toBe(true)
  expect(kept).toBeDefined()

  const { journal } = subscriber.stream
  const back = journal.findLastIndex(({ kind }) => kind === 'subscribed')
  expect(journal[back]).toMatchObject({ recovered: false })
  const asked = journal.slice(0, back).findLast((entry) => entry.kind === 'asked')
  const between = journal.slice(journal.indexOf(asked as never) + 1, back)
  expect(between).toEqual([])
})
