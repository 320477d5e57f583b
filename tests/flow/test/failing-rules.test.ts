// The table of roles does not answer for a while: nobody is shown what is not theirs, and nothing is lost or doubled.
import { signal } from '@preact/signals-core'
import { createPresenceManager } from '@dnr/presence/client'
import { presence } from '@dnr/presence/server'
import { allow, allowChannel, policies } from '@dnr/server'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { Task, type User } from '../src/task.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

/** Policies whose look-ups can be out of order. */
function roles() {
  const state = { isDown: false, failing: new Set<string>() }
  const rules = policies(
    allow(Task, async (user: User | null) => {
      if (state.isDown) throw new Error('The roles are being restarted.')
      return (
        user && {
          key: user.team,
          sees(task: { readonly id: string; readonly team: string }) {
            if (state.failing.has(task.id)) throw new Error('The roles are being restarted.')
            return task.team === user.team
          },
        }
      )
    }),
  )
  return { state, rules }
}

test('a look-up that fails during a reconnect: the client keeps its rows and goes on where it stopped', async () => {
  await using folder = await temporaryFolder()
  const { state, rules } = roles()
  await using stack = await startStack({ path: folder.file('tasks.db'), server: { policies: rules } })
  await stack.tasks.create({ id: 'counter', title: 'Counter', team: 'red' })
  using alice = openBrowser(stack.url, 'alice.red')
  const heard = signal<readonly unknown[]>([])
  const recovered: unknown[] = []
  const refused = signal(0)
  alice.client.on('message', (message) => {
    if (message.type === 'subscribed') recovered.push(message.payload.recovered)
    if (message.type === 'error' && message.payload.code === 'busy') refused.value++
  })
  const shown = alice.client.collection('Task')
  const listening = alice.client.subscribe('entity:Task', {
    event: ({ payload }) => void (heard.value = [...heard.value, payload.version]),
  })
  await Promise.all([shown.ready, listening.ready])
  await stack.tasks.update('counter', { rank: 1 })
  await until(heard, (versions) => versions.length === 1)

  state.isDown = true
  alice.cut()
  await until(refused, (count) => count >= 2)
  await stack.tasks.update('counter', { rank: 2 })
  expect(shown.status.value).toBe('stale')
  expect(shown.rows.value).toMatchObject([{ id: 'counter', rank: 1 }])
  state.isDown = false
  await until(shown.rows, ([counter]) => counter?.rank === 2)
  await until(heard, (versions) => versions.length === 2)
  expect(heard.value).toEqual([2, 3])
  expect(shown.status.value).toBe('live')
  expect(recovered.slice(2)).toEqual([true, true])
})

test('a row that a rule failed on enters by itself, and also for who reconnects meanwhile', async () => {
  await using folder = await temporaryFolder()
  const { state, rules } = roles()
  await using stack = await startStack({ path: folder.file('tasks.db'), server: { policies: rules } })
  using alice = openBrowser(stack.url, 'alice.red')
  using bob = openBrowser(stack.url, 'bob.red')
  const shown = [alice, bob].map(({ client }) => client.collection('Task'))
  await Promise.all(shown.map(({ ready }) => ready))
  const everybodyHas = (ids: string): Promise<unknown> =>
    Promise.all(
      shown.map(({ rows }) =>
        until(
          rows,
          (each) =>
            each
              .map(({ id }) => id)
              .sort()
              .join() === ids,
        ),
      ),
    )

  state.failing.add('hidden')
  await stack.tasks.create({ id: 'hidden', title: 'Hidden', team: 'red' })
  await stack.tasks.create({ id: 'plain', title: 'Plain', team: 'red' })
  await everybodyHas('plain')
  expect(stack.realtime.stats()).toMatchObject({ groupsInDoubt: 1 })
  alice.cut()
  await until(alice.client.connected, (isConnected) => !isConnected)
  state.failing.clear()
  await everybodyHas('hidden,plain')
  expect(stack.realtime.stats()).toMatchObject({ groupsInDoubt: 0 })
  expect(alice.connections).toBe(2)
  expect(bob.connections).toBe(1)
})

test('a rule of presence that fails while rights are asked about: nobody leaves, and nobody comes back', async () => {
  await using folder = await temporaryFolder()
  const failing = new Set<string>()
  const rules = policies(
    allowChannel('presence', async ({ id }: User) => {
      if (failing.has(id)) throw new Error('The roles are being restarted.')
      return true
    }),
  )
  await using stack = await startStack({
    path: folder.file('tasks.db'),
    server: { policies: rules, plugins: [presence()] },
  })
  using alice = openBrowser(stack.url, 'alice.red')
  using bob = openBrowser(stack.url, 'bob.red')
  const heard: string[] = []
  bob.client.on('message', ({ type }) => void (type.startsWith('presence:') && heard.push(type)))
  const room = createPresenceManager({ transport: alice.client }).join('board/red')
  const bobs = createPresenceManager({ transport: bob.client }).join('board/red')
  await Promise.all([room, bobs].map(({ members }) => until(members, (each) => each.length === 2)))

  failing.add('alice')
  await stack.realtime.invalidate({ userId: 'alice' })
  heard.length = 0
  room.update({ card: 7 })
  bobs.update({ card: 1 })
  await until(bobs.members, (members) => members.some(({ metadata }) => metadata['card'] === 1))
  expect(bobs.members.value.some(({ metadata }) => metadata['card'] === 7)).toBe(false)
  expect(room.stale.value).toBe(false)
  failing.clear()
  await until(bobs.members, (members) => members.some(({ metadata }) => metadata['card'] === 7))
  await until(room.members, (members) => members.some(({ metadata }) => metadata['card'] === 1))
  expect(heard).toEqual(['presence:update', 'presence:update'])
})
