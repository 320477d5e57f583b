import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

test('what is emitted beside the log is shown, and does not come between the changes of the log', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  const shown = alice.client.collection('Task')
  const heard: string[] = []
  alice.client.subscribe('entity:Task', {
    event: ({ type, payload }) => void heard.push(`${type} ${payload.id}`),
  })
  await shown.ready
  await stack.tasks.create({ id: 'logged', title: 'In the log' })
  await until(shown.rows, (rows) => rows.length === 1)
  const { eventBus } = stack.realtime

  eventBus.emitCreated('Task', { id: 'told', title: 'Told', team: 'red', rank: 1, version: 1 })
  await until(shown.rows, (rows) => rows.length === 2)
  const emitted = { id: 'told', title: 'Told again', team: 'red', rank: 1, version: 2 }
  eventBus.emitUpdated('Task', 'told', emitted)
  await until(shown.rows, (rows) => rows.some(({ title }) => title === 'Told again'))
  await stack.tasks.update('logged', { title: 'Still in the log' })
  await until(shown.rows, (rows) => rows.some(({ title }) => title === 'Still in the log'))
  eventBus.emitDeleted('Task', 'told', emitted)
  await until(shown.rows, (rows) => rows.length === 1)

  expect(heard).toEqual([
    'entity:created logged',
    'entity:created told',
    'entity:updated told',
    'entity:updated logged',
    'entity:deleted told',
  ])
  expect(shown.position).toEqual(eventBus.position)
})
