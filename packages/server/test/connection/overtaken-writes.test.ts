// The first request of a write, still under way on a connection that its author has given up, or as a request whose body is held
// back, after the repetition was refused.
import { silentLogger } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createAuthenticator } from '../../src/connection/authenticate.ts'
import { createHttpHandler } from '../../src/http/http-handler.ts'
import { createWriteService } from '../../src/writes/write-service.ts'
import { createTestServer, type Received, type TestClient, type TestServer } from '../support/test-server.ts'
import { evaluator, Task, teamRule, type User } from '../writes/fixtures.ts'
import { createMemoryStore } from '../writes/memory-store.ts'

/** Everybody is refused until `allow` is called. `slow` signs in when `signIn` is called; other tokens are `name@team`. */
function setting() {
  let may = false
  const store = createMemoryStore(Task)
  const policies = evaluator((user) => (may ? teamRule(user) : null))
  const writes = createWriteService({ stores: [store], policies })
  const slow = Promise.withResolvers<User>()
  const authenticate = ({ token }: { token: string | null }): User | Promise<User> => {
    const [id = '', team = 'red'] = (token ?? '').split('@')
    return token === 'slow' ? slow.promise : { id, team }
  }
  const server = createTestServer({ writes, authenticate })
  const { clock } = server
  const authenticator = createAuthenticator({ authenticate, clock, logger: silentLogger })
  const http = createHttpHandler({ stores: [store], policies, writes, authenticator, clock })
  return {
    server,
    store,
    allow: () => void (may = true),
    signIn: () => slow.resolve({ id: 'ann', team: 'red' }),
    post: (body: ReadableStream<Uint8Array> | string = '{"title":"written"}'): Promise<Response> =>
      http(
        new Request('http://localhost/Task', {
          method: 'POST',
          body,
          duplex: 'half',
          headers: { authorization: 'Bearer ann', 'idempotency-key': 'm1' },
        } as RequestInit),
      ),
  }
}

const create = {
  type: 'mutate',
  requestId: 'w',
  payload: { operation: 'create', entity: 'Task', mutationId: 'm1', fields: { title: 'written' } },
}

async function answerTo(client: TestClient): Promise<Received | undefined> {
  return (await client.ask(create)).at(-1)
}

/** Connections of one author, the earlier first. */
async function twoOf(server: TestServer): Promise<[TestClient, TestClient]> {
  return [await server.connect('ann@red'), await server.connect('ann@red')]
}

const isRefusal = (code: string) =>
  expect.objectContaining({ type: 'error', payload: expect.objectContaining({ code }) })

test('a write that was refused over a later connection takes no effect over the earlier one', async () => {
  const { server, store, allow } = setting()
  const [earlier, later] = await twoOf(server)
  expect(await answerTo(later)).toEqual(isRefusal('not_found'))
  allow()
  expect(await answerTo(earlier)).toEqual(isRefusal('cancelled'))
  expect(store.rows.size).toBe(0)
})

test('nor over an earlier one that was still signing in', async () => {
  const { server, store, allow, signIn } = setting()
  const earlier = await server.connect('slow')
  earlier.send(create)
  const later = await server.connect('ann@red')
  expect(await answerTo(later)).toEqual(isRefusal('not_found'))
  allow()
  signIn()
  expect((await earlier.take()).at(-1)).toEqual(isRefusal('cancelled'))
  expect(store.rows.size).toBe(0)
})

test('nor over a stalled connection, when it was refused over HTTP', async () => {
  const { server, store, allow, post } = setting()
  const client = await server.connect('ann@red')
  client.pair.stall('to-server')
  client.send(create)
  expect((await post()).status).toBe(404)
  allow()
  client.pair.resume('to-server')
  expect((await client.take()).at(-1)).toEqual(isRefusal('cancelled'))
  expect(store.rows.size).toBe(0)
})

test('nor by an earlier request whose body comes late', async () => {
  const { store, allow, post } = setting()
  const gate = Promise.withResolvers<void>()
  const earlier = post(
    new ReadableStream({
      async pull(controller) {
        await gate.promise
        controller.enqueue(new TextEncoder().encode('{"title":"written"}'))
        controller.close()
      },
    }),
  )
  await drainMicrotasks()
  expect((await post()).status).toBe(404)
  allow()
  gate.resolve()
  expect((await earlier).status).toBe(409)
  expect(store.rows.size).toBe(0)
})

test('over the same connection, over a later one and by another user it is asked for as often as they like', async () => {
  const { server, allow } = setting()
  const other = await server.connect('bob@red')
  const earlier = await server.connect('ann@red')
  const later = await server.connect('ann@red')
  for (const client of [earlier, earlier, later, later, other])
    expect(await answerTo(client)).toEqual(isRefusal('not_found'))
  allow()
  for (const client of [other, later]) expect(await answerTo(client)).toMatchObject({ type: 'mutated' })
})

test('a write that was stored over a later connection is answered over the earlier one, too', async () => {
  const { server, store, allow } = setting()
  allow()
  const earlier = await server.connect('ann@red')
  const later = await server.connect('ann@red')
  expect(await answerTo(later)).toMatchObject({ type: 'mutated' })
  expect(await answerTo(earlier)).toMatchObject({ type: 'mutated' })
  expect(store.rows.size).toBe(1)
})

test('nor is it cancelled when it was refused over the later one before it was stored there', async () => {
  const { server, store, allow } = setting()
  const [earlier, later] = await twoOf(server)
  expect(await answerTo(later)).toEqual(isRefusal('not_found'))
  allow()
  for (const client of [later, earlier]) expect(await answerTo(client)).toMatchObject({ type: 'mutated' })
  expect(store.rows.size).toBe(1)
})
