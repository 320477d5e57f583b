// Requests whose session ends while they are under way: nothing is written and nothing shown any more.
import { silentLogger } from '@dnr/protocol'
import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createAuthenticator } from '../../src/connection/authenticate.ts'
import { createHttpHandler } from '../../src/http/http-handler.ts'
import { createWriteService } from '../../src/writes/write-service.ts'
import { ann, evaluator, Task, task, teamRule, type User } from '../writes/fixtures.ts'
import { createMemoryStore, type MemoryStore } from '../writes/memory-store.ts'

/** Ann, signed in for a minute each time; `identify` may take its time. */
function setting(identify: (user: User) => User | Promise<User> = (user) => user) {
  const clock = createManualClock()
  const memory = createMemoryStore(Task, [task('t1')])
  const reads = Promise.withResolvers<void>()
  const store: MemoryStore = {
    ...memory,
    async get(id) {
      await reads.promise
      return memory.get(id)
    },
  }
  const policies = evaluator(teamRule)
  const authenticator = createAuthenticator({
    authenticate: () => identify({ ...ann, expiresAt: clock.now() + 60_000 }),
    clock,
    logger: silentLogger,
  })
  const handler = createHttpHandler({
    stores: [store],
    policies,
    writes: createWriteService({ stores: [store], policies }),
    authenticator,
    clock,
  })
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    handler(
      new Request(`http://localhost${path}`, {
        ...init,
        headers: { authorization: 'Bearer ann' },
        ...(init.body == null ? {} : { duplex: 'half' }),
      }),
    )
  return {
    store,
    clock,
    ask,
    goOnReading: reads.resolve,
    signOut: () => authenticator.revoke('ann', 4401, 'token_revoked'),
  }
}

/** A body that comes when `send` is called. */
function heldBack(text: string): { body: ReadableStream<Uint8Array>; send(): void } {
  const gate = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await gate.promise
      controller.enqueue(new TextEncoder().encode(text))
      controller.close()
    },
  })
  return { body, send: gate.resolve }
}

async function codeOf(answer: Response): Promise<unknown> {
  return ((await answer.json()) as { code: unknown }).code
}

test.each([
  ['POST', '/Task'],
  ['PATCH', '/Task/t1'],
])('a %s whose body comes after its user was signed out is refused', async (method, path) => {
  const { store, ask, signOut } = setting()
  const { body, send } = heldBack('{"title":"written"}')
  const answer = ask(path, { method, body })
  await drainMicrotasks()
  signOut()
  send()
  expect((await answer).status).toBe(401)
  expect(await codeOf(await answer)).toBe('token_revoked')
  expect([...store.rows.values()]).toMatchObject([{ title: 'Task t1' }])
})

test('a write whose body comes after its session has ended is refused', async () => {
  const { store, clock, ask } = setting()
  const { body, send } = heldBack('{"title":"written"}')
  const answer = ask('/Task', { method: 'POST', body })
  await drainMicrotasks()
  await clock.advance(60_000)
  send()
  expect((await answer).status).toBe(401)
  expect(await codeOf(await answer)).toBe('token_expired')
  expect(store.rows.size).toBe(1)
})

test('a row is not shown to whom was signed out while it was read', async () => {
  const { ask, goOnReading, signOut } = setting()
  const answer = ask('/Task/t1')
  await drainMicrotasks()
  signOut()
  goOnReading()
  expect((await answer).status).toBe(401)
})

test.each([0, 1, 2, 3, 4, 5, 6, 8])(
  'a request whose user is signed out %i microtasks after authenticate has answered is refused',
  async (ticks) => {
    const asked = Promise.withResolvers<User>()
    const { ask, signOut } = setting(() => asked.promise)
    const answer = ask('/Task')
    await drainMicrotasks()
    asked.resolve(ann)
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
    signOut()
    expect((await answer).status).toBe(401)
  },
)
