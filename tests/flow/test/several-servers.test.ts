// Two servers on one SQLite file, each a whole one with clients of its own.
import { signal } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

test('clients of either server see the writes of both, each once and in order', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using red = await startStack({ path })
  await using blue = await startStack({ path })
  using alice = openBrowser(red.url, 'alice.red')
  using bob = openBrowser(blue.url, 'bob.red')
  const heard = await Promise.all(
    [alice, bob].map(async ({ client }) => {
      const events = signal<readonly number[]>([])
      const listening = client.subscribe('entity:Task', {
        event: ({ position }) => (events.value = [...events.value, position?.offset ?? 0]),
      })
      await listening.ready
      return events
    }),
  )
  await Promise.all(
    [red, blue].map(async ({ tasks }) => {
      for (let index = 0; index < 25; index++) await tasks.create({ title: 'x' })
    }),
  )
  const all = Array.from({ length: 50 }, (_, index) => index + 1)
  for (const events of heard) expect(await until(events, ({ length }) => length >= 50)).toEqual(all)
})

test('an epoch that another process begins reaches clients with its first event, and pong and subscribed agree with the log', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using red = await startStack({ path })
  await red.tasks.create({ title: 'First' })
  using client = await openPlainClient(`${red.url}?token=alice.red`)
  await client.next()
  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 's' })
  const { payload } = (await client.next()) as { payload: { position: { epoch: string } } }
  const firstEpoch = payload.position.epoch

  const pong = async () => {
    client.send({ type: 'ping', requestId: 'p' })
    return (await client.next()) as { position: { epoch: string; offset: number } }
  }
  const holds = async (after: { epoch: string; offset: number }) =>
    (await red.database.changeLog.read({ after, entity: 'Task', limit: 10 })).holds

  await using blue = await startStack({ path })
  // Begun, but nothing is written in it: the place is the same under either name.
  const before = await pong()
  expect(before.position.offset).toBe(1)
  expect(await holds(before.position)).toBe(true)

  const { position } = await blue.tasks.mutate({ operation: 'create', fields: { title: 'Of the other' } })
  expect(position.epoch).not.toBe(firstEpoch)
  expect(await client.next()).toMatchObject({ type: 'entity:created', position })
  expect((await pong()).position).toEqual(position)

  // The server that was there first goes on in the other's epoch.
  const own = await red.tasks.mutate({ operation: 'create', fields: { title: 'Of this one' } })
  expect(own.position).toEqual({ epoch: position.epoch, offset: 3 })
  expect(await client.next()).toMatchObject({ type: 'entity:created', position: own.position })

  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 'again', payload: { position } })
  expect(await client.next()).toMatchObject({ type: 'subscribed', payload: { recovered: true } })
  expect(await client.next()).toMatchObject({ type: 'entity:created', position: own.position })
})

test('a client that moves from one server to the other goes on where it stopped', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using red = await startStack({ path })
  const first = await red.tasks.mutate({ operation: 'create', fields: { title: 'Seen' } })
  await using blue = await startStack({ path })
  const places = [first.position, await red.database.changeLog.head()]
  const missed = await red.tasks.mutate({ operation: 'create', fields: { title: 'Missed' } })

  for (const position of places) {
    using client = await openPlainClient(`${blue.url}?token=alice.red`)
    await client.next()
    client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 's', payload: { position } })
    expect(await client.next()).toMatchObject({ type: 'subscribed', payload: { recovered: true } })
    expect(await client.next()).toMatchObject({ type: 'entity:created', position: missed.position })
  }
})
