import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

test('600 creates in a loop stay below the server’s own limits: none is refused, none waits for a time-out', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red', { requestTimeoutMs: 5_000 })
  const refusals: unknown[] = []
  alice.client.on('message', (message) => {
    if (message.type === 'error') refusals.push(message.payload)
  })
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  await until(tasks.status, (status) => status === 'live')
  const startedAt = performance.now()
  const settledAt = Array.from({ length: 600 }, (_, n) =>
    tasks.create({ title: `Number ${n}`, rank: n }).acked.then(() => performance.now() - startedAt),
  )
  const times = (await Promise.all(settledAt)).toSorted((a, b) => a - b)
  const pauses = times.map((time, index) => time - (times[index - 1] ?? 0))
  expect([refusals, alice.connections]).toEqual([[], 1])
  expect(Math.max(...pauses)).toBeLessThan(3_000)
  expect((await stack.database.changeLog.head()).offset).toBe(600)
}, 60_000)

test('a client that was refused above the rate asks again what was not answered, and goes on', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red', { requestTimeoutMs: 60_000 })
  const refusals: unknown[] = []
  alice.client.on('message', (message) => {
    if (message.type === 'error') refusals.push(message.payload.code)
  })
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  await until(tasks.status, (status) => status === 'live')
  // Urgent frames do not wait: these use up what the server allows.
  for (let n = 0; n < 199; n++) alice.client.send({ type: 'ping' })
  const writes = Array.from({ length: 5 }, (_, n) => tasks.create({ title: `Number ${n}` }))
  for (let n = 0; n < 20; n++) alice.client.send({ type: 'ping' })
  await Promise.all(writes.map(({ acked }) => acked))
  expect(refusals).toEqual(['rate_limited'])
  expect(alice.connections).toBe(1)
}, 30_000)
