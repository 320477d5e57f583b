import { signal } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { createKillableStack } from '../src/killable-stack.ts'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

const PATIENCE = { timeout: 60_000 }

test('SIGKILL in the middle of writing: nothing is lost, doubled or out of order', PATIENCE, async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  {
    await using stack = await startStack({ path })
    await stack.tasks.create({ id: 'counter', title: 'Counter' })
  }
  await using server = createKillableStack(path)
  await server.start()
  using alice = openBrowser(server.url, 'alice.red')
  const heard = signal<readonly string[]>([])
  const shown = alice.client.collection('Task')
  const listening = alice.client.subscribe('entity:Task', {
    event: ({ payload }) => (heard.value = [...heard.value, `${payload.id}@${payload.version}`]),
  })
  await Promise.all([shown.ready, listening.ready])

  for (let life = 0; life < 3; life++) {
    server.write()
    await server.writes(30)
    await server.kill()
    await until(alice.client.connected, (connected) => !connected)
    await server.start()
    // What was committed but not yet reported when the process died counts too.
    expect(server.committed).toBeGreaterThanOrEqual(server.written)
  }
  const rank = server.committed
  // Two subscriptions, so that either may be the later one.
  await until(heard, (events) => events.at(-1) === `counter@${rank + 1}`)
  await until(shown.rows, (rows) => rows.some(({ id, rank: seen }) => id === 'counter' && seen === rank))

  const expected = Array.from({ length: rank }, (_, index) => index + 1).flatMap((n) => [
    `n${String(n).padStart(5, '0')}@1`,
    `counter@${n + 1}`,
  ])
  expect(heard.value).toEqual(expected)
  expect(shown.rows.value).toHaveLength(rank + 1)
})

test('SIGKILL while a long transaction is told: nobody ever shows a part of it', PATIENCE, async () => {
  const THOUSANDS = 3
  await using folder = await temporaryFolder()
  await using server = createKillableStack(folder.file('tasks.db'))
  await server.start()
  using alice = openBrowser(server.url, 'alice.red')
  const shown = alice.client.collection('Task')
  const counts = new Set<number>()
  shown.onBatch(() => counts.add(shown.rows.peek().length))
  await shown.ready
  let cut = 0
  let lives = 0
  for (; lives < 12 && cut < 3; lives++) {
    const plain = await openPlainClient(`${server.url}?token=bob.red`)
    plain.send({ type: 'subscribe', channel: 'entity:Task' })
    await plain.until('subscribed')
    await server.writeAtOnce(THOUSANDS)
    await plain.until('entity:created')
    await server.kill()
    if (plain.untaken().at(-1)?.['more'] === true) cut++
    plain.close()
    await until(alice.client.connected, (connected) => !connected)
    await server.start()
    const total = (lives + 1) * THOUSANDS * 1_000
    await until(shown.rows, (rows) => rows.length === total)
  }
  expect(cut).toBe(3)
  expect([...counts].filter((count) => count % (THOUSANDS * 1_000) !== 0)).toEqual([])
})

test('writes of a browser survive the kills: each takes effect once', PATIENCE, async () => {
  await using folder = await temporaryFolder()
  await using server = createKillableStack(folder.file('tasks.db'))
  await server.start()
  using alice = openBrowser(server.url, 'alice.red')
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  await until(tasks.status, (status) => status === 'live')

  const writes = []
  for (let n = 0; n < 12; n++) {
    const write = tasks.create({ title: `Number ${n}` })
    writes.push(write)
    if (n % 4 === 3) {
      setImmediate(() => void server.kill().then(server.start))
      await write.synced
    }
  }
  await Promise.all(writes.map((write) => write.synced))
  expect(tasks.rows.value.map(({ title, version }) => `${title}@${version}`).toSorted()).toEqual(
    Array.from({ length: 12 }, (_, n) => `Number ${n}@1`).toSorted(),
  )
})
