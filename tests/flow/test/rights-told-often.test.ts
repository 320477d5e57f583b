import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

const ROWS = 20_000

test('a large collection opens although the application tells of changed rights all the time', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  for (let from = 0; from < ROWS; from += 1_000)
    await stack.tasks.createMany(
      Array.from({ length: 1_000 }, (_, n) => ({ id: `t${from + n}`, title: 'x'.repeat(200), team: 'red' })),
    )
  using bob = openBrowser(stack.url, 'bob.red')
  const begun: unknown[] = []
  let parts = 0
  let told = 0
  bob.client.on('message', (message) => {
    const { type } = message
    if (type === 'subscribed' && message.payload.snapshot) begun.push(message.payload.recovered)
    // By the server's own hand, in the middle of what it sends: not by a timer, which a busy machine would delay.
    if ((type === 'subscribed' || type === 'snapshot') && ++parts % 10 === 0) {
      told++
      void stack.realtime.invalidate({ key: 'red' })
    }
  })
  const tasks = bob.client.collection('Task')
  await tasks.ready
  expect(told).toBeGreaterThan(3)
  expect([tasks.rows.value.length, begun]).toEqual([ROWS, [false]])
  await stack.tasks.update('t7', { title: 'new' })
  await expect.poll(() => tasks.byId('t7')?.['title']).toBe('new')
})
