import { createPresenceManager } from '@dnr/presence/client'
import { presence } from '@dnr/presence/server'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

function atBoard(url: string, token: string) {
  const browser = openBrowser(url, token)
  return { ...browser, presence: createPresenceManager({ transport: browser.client }) }
}

const ids = (members: readonly { readonly id: string }[]) =>
  members
    .map(({ id }) => id)
    .toSorted()
    .join()

test('people at a resource see each other come, change and go', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = atBoard(stack.url, 'alice.red')
  using bob = atBoard(stack.url, 'bob.red')
  const here = alice.presence.join('board/red', { metadata: { card: 1 } })
  await until(here.members, (members) => ids(members) === 'alice')

  const bobs = bob.presence.join('board/red', {})
  await until(here.members, (members) => ids(members) === 'alice,bob')
  await until(bobs.members, (members) => members.find(({ id }) => id === 'alice')?.metadata['card'] === 1)

  here.update({ card: 2 })
  await until(bobs.members, (members) => members.find(({ id }) => id === 'alice')?.metadata['card'] === 2)

  bobs.leave()
  await until(here.members, (members) => ids(members) === 'alice')
})

test('a user with two tabs is one member, and stays until the last one closes', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = atBoard(stack.url, 'alice.red')
  const here = alice.presence.join('board/red', {})
  using first = atBoard(stack.url, 'bob.red')
  using second = atBoard(stack.url, 'bob.red')
  first.presence.join('board/red', {})
  second.presence.join('board/red', {})
  await until(here.members, (members) =>
    members.some(({ id, connections }) => id === 'bob' && connections === 2),
  )
  expect(ids(here.members.value)).toBe('alice,bob')
  first.client.close()
  await until(here.members, (members) =>
    members.some(({ id, connections }) => id === 'bob' && connections === 1),
  )
  second.client.close()
  await until(here.members, (members) => ids(members) === 'alice')
})

test('another team is refused', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using blue = openBrowser(stack.url, 'carol.blue')
  const watching = blue.client.subscribe('presence:board/red', {})
  await expect(watching.ready).rejects.toMatchObject({ code: 'forbidden' })
})

test('(I116) who looks again while the subscription is still there, or with a second manager, sees everybody at once', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using bob = atBoard(stack.url, 'bob.red')
  const bobs = bob.presence.join('board/red', {})
  await until(bobs.members, (members) => ids(members) === 'bob')
  using alice = openBrowser(stack.url, 'alice.red', { lingerMs: 60_000 })
  const manager = createPresenceManager({ transport: alice.client })
  const first = manager.watch('board/red')
  await until(first.members, (members) => ids(members) === 'bob')
  first.leave()
  await Promise.resolve()
  expect(ids(manager.watch('board/red').members.value)).toBe('bob')
  const second = createPresenceManager({ transport: alice.client })
  expect(ids(second.watch('board/red').members.value)).toBe('bob')
})

test('a full resource is told to who is not admitted, who comes in once there is a place', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    server: { plugins: [presence({ maxMembersPerResource: 1, maxMetadataBytes: 20 })] },
  })
  using alice = atBoard(stack.url, 'alice.red')
  using bob = atBoard(stack.url, 'bob.red')
  const alices = alice.presence.join('board/red')
  await until(alices.members, (members) => ids(members) === 'alice')
  const bobs = bob.presence.join('board/red')
  const refusal = await until(bobs.error, (error) => error !== null)
  expect([refusal?.code, typeof refusal?.retryAfterMs]).toEqual(['busy', 'number'])
  await until(bobs.members, (members) => ids(members) === 'alice')
  alices.update({ text: 'longer than twenty bytes' })
  await until(alices.error, (error) => error?.code === 'bad_metadata')
  alices.leave()
  await until(bobs.members, (members) => ids(members) === 'bob')
  expect(bobs.error.value).toBeNull()
}, 30_000)
