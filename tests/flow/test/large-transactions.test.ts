import { expect, test } from 'vitest'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

const ROWS = 1_000

test('who keeps up hears a transaction of many times its queue, over one connection', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  const ids = Array.from({ length: ROWS }, (_, n) => `t${n}`)
  await stack.tasks.createMany(ids.map((id) => ({ id, title: 'x', team: 'red' })))
  using reader = await openPlainClient(`${stack.url}?token=ann.red`)
  reader.send({ type: 'subscribe', channel: 'entity:Task' })
  await reader.until('subscribed')
  for (const letter of ['a', 'b']) {
    const patch = { title: letter.repeat(8_000) }
    const { position } = await stack.tasks.updateMany(ids, patch)
    // A lone write right behind it finds most of it still waiting.
    await stack.tasks.update('t0', { title: 'behind' })
    for (let n = 0; n < ROWS; n++) {
      const event = await reader.until('entity:updated')
      expect([event['position'], event['more'] ?? false]).toEqual([
        { ...position, offset: position.offset - (ROWS - 1 - n) },
        n < ROWS - 1,
      ])
    }
    expect(await reader.until('entity:updated')).toMatchObject({ payload: { id: 't0', title: 'behind' } })
  }
})
