import { effect } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

/** A stack with two red tasks and a blue one, and a client whose token can be exchanged. */
async function setUp(path: string) {
  const stack = await startStack({ path })
  await stack.tasks.create({ id: 'r1', title: 'Red' })
  await stack.tasks.create({ id: 'r2', title: 'Red, too' })
  await stack.tasks.create({ id: 'b1', title: 'Blue', team: 'blue' })
  let token: string | null = 'alice.red'
  const browser = openBrowser(stack.url, null, { getToken: () => token })
  return {
    ...browser,
    stack,
    async leave() {
      browser.client.disconnect()
      await until(browser.client.connected, (connected) => !connected)
    },
    async comeAs(next: string | null) {
      token = next
      browser.client.connect()
      await until(browser.client.connected, (connected) => connected)
    },
    async [Symbol.asyncDispose]() {
      browser.client.close()
      await stack[Symbol.asyncDispose]()
    },
  }
}

const ids = (rows: readonly { readonly id: string }[]): string => rows.map(({ id }) => id).join()

test('(F78) another user on the same client sees their own rows alone, and never the former user’s', async () => {
  await using folder = await temporaryFolder()
  await using t = await setUp(folder.file('tasks.db'))
  const tasks = t.client.collection('Task')
  await until(tasks.rows, (rows) => ids(rows) === 'r1,r2')
  await t.leave()
  const shown: string[] = []
  await t.stack.tasks.update('r1', { title: 'Red again' })
  await t.comeAs('bob.blue')
  await Promise.resolve()
  const stop = effect(() => void shown.push(ids(tasks.rows.value)))
  await until(tasks.rows, (rows) => ids(rows) === 'b1')
  await t.stack.tasks.create({ id: 'r3', title: 'Red, later' })
  await t.stack.tasks.create({ id: 'b2', title: 'Blue, later', team: 'blue' })
  await until(tasks.rows, (rows) => ids(rows) === 'b1,b2')
  stop()
  expect(shown.filter((each) => each.includes('r'))).toEqual([])
  expect(t.client.userId.value).toBe('bob')
})

test('(F78) another user with the same rights sees the rows, and so does the former one who comes back', async () => {
  await using folder = await temporaryFolder()
  await using t = await setUp(folder.file('tasks.db'))
  const tasks = t.client.collection('Task')
  await until(tasks.rows, (rows) => ids(rows) === 'r1,r2')
  for (const next of ['bob.red', null, 'alice.red']) {
    await t.leave()
    await t.comeAs(next)
    await until(tasks.status, (status) => status === (next ? 'live' : 'failed'))
    expect([next, ids(tasks.rows.value)]).toEqual([next, next ? 'r1,r2' : ''])
  }
})

test('(F78) what one user has not had stored is never sent as another’s', async () => {
  await using folder = await temporaryFolder()
  await using t = await setUp(folder.file('tasks.db'))
  const tasks = t.optimistic.collection(t.client.collection('Task'))
  await until(tasks.rows, (rows) => ids(rows) === 'r1,r2')
  const refused = tasks.create({ id: 'x0', title: 'For the others', team: 'blue' })
  await expect(refused.acked).rejects.toMatchObject({ code: 'forbidden' })
  await t.leave()
  const created = tasks.create({ id: 'x1', title: 'By alice', team: 'blue' })
  const renamed = tasks.update('b1', { title: 'By alice' })
  const ends = Promise.allSettled([created.acked, renamed.acked])
  expect(t.optimistic.pendingCount.value).toBe(2)
  await t.comeAs('bob.blue')
  expect(await ends).toMatchObject([{ reason: { code: 'cancelled' } }, { reason: { code: 'cancelled' } }])
  await until(tasks.rows, (rows) => ids(rows) === 'b1')
  expect([t.optimistic.pendingCount.value, tasks.failed.value]).toEqual([0, []])
  await tasks.create({ id: 'x2', title: 'By bob', team: 'blue' }).synced
  expect(await t.stack.tasks.get('x1')).toBeNull()
  expect(await t.stack.tasks.get('b1')).toMatchObject({ title: 'Blue', version: 1 })
})

test('(F78) writes of the same user survive a new token, and those of a guest who signs in', async () => {
  await using folder = await temporaryFolder()
  await using t = await setUp(folder.file('tasks.db'))
  const tasks = t.optimistic.collection(t.client.collection('Task'))
  await until(tasks.rows, (rows) => ids(rows) === 'r1,r2')
  await t.leave()
  const renamed = tasks.update('r1', { title: 'Offline' })
  await t.comeAs('alice.red')
  await renamed.synced
  using guest = openBrowser(t.stack.url, null, { getToken: () => token })
  let token: string | null = null
  await until(guest.client.connected, (connected) => connected)
  guest.client.disconnect()
  const drafts = guest.optimistic.collection(guest.client.collection('Task'))
  const draft = drafts.create({ title: 'Drafted as a guest' })
  token = 'carol.red'
  guest.client.connect()
  expect(await draft.acked).toMatchObject({ title: 'Drafted as a guest' })
})

test('somebody whose team changed while offline sees exactly the rows of the new team', async () => {
  await using folder = await temporaryFolder()
  await using t = await setUp(folder.file('tasks.db'))
  const tasks = t.client.collection('Task')
  await until(tasks.rows, (rows) => ids(rows) === 'r1,r2')
  await t.leave()
  await t.comeAs('alice.blue')
  await until(tasks.rows, (rows) => ids(rows) === 'b1')
  await t.stack.tasks.create({ id: 'r3', title: 'Red, later' })
  await t.stack.tasks.create({ id: 'b2', title: 'Blue, later', team: 'blue' })
  await until(tasks.rows, (rows) => ids(rows) === 'b1,b2')
})
