import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { presence } from '@dnr/presence/server'
import { defineEntity } from '@dnr/protocol'
import { createRealtimeRepository, openDatabase, type RealtimeRepository } from '@dnr/repository'
import { allow, allowChannel, createRealtimeServer, policies } from '@dnr/server'
import { attachWebSockets } from '@dnr/server/ws'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openPlainClient } from '../src/plain-client.ts'
import { readSlowly } from '../src/read-slowly.ts'

// A client that knows the original architecture and nothing else: it sends those messages word for word, and every
// answer is held against the golden frame, field by field.

type GoldenFrame =
  | { readonly direction: 'client'; readonly frame?: object; readonly text?: string }
  | { readonly direction: 'server'; readonly frame: Record<string, unknown> }

const Task = defineEntity(
  'Task',
  z.object({ id: z.string(), title: z.string(), status: z.string().default('open'), created_at: z.string() }),
)
const names: Readonly<Record<string, string>> = { user1: 'Alice', user2: 'Bob' }
const taskId = '550e8400-e29b-41d4-a716-446655440000'
const resource = 'presence:workspace/tasks'

describe.each(['subscribe', 'unsubscribe', 'ping', 'entity-event', 'presence', 'errors'])(
  '%s',
  (exchange) => {
    test('is answered as the golden frames say', async () => {
      await using server = await startServer()
      using user1 = await openPlainClient(`${server.url}?token=user1`)
      expect(await user1.next()).toMatchObject({
        type: 'connected',
        payload: { userId: 'user1', protocolVersion: 1 },
      })
      using user2 = await openPlainClient(`${server.url}?token=user2`)
      await user2.next()

      for (const golden of read(exchange)) {
        if (golden.direction === 'client') {
          user1.send(golden.text ?? golden.frame ?? {})
          continue
        }
        await causeOf(golden.frame, server, user2)
        expect(comparable(await user1.next())).toEqual(comparable(golden.frame))
      }
      user1.send({ type: 'ping', requestId: 'last' })
      expect(await user1.next()).toMatchObject({ type: 'pong', requestId: 'last' })
      expect(user1.untaken()).toEqual([])
    })
  },
)

test('a session that ends is renewed as the golden frames say', async () => {
  await using server = await startServer({ lastsMs: 2_000 })
  using client = await openPlainClient(`${server.url}?token=user1`)
  for (const golden of read('session')) {
    if (golden.direction === 'client') client.send(golden.frame ?? {})
    else expect(comparable(await client.next())).toEqual(comparable(golden.frame))
  }
})

test('a snapshot that is overtaken by a write, and who comes back from its position, as the golden frames say', async () => {
  const other = '550e8400-e29b-41d4-a716-446655440001'
  await using server = await startServer({
    behindFirstRow: async (tasks) => void (await tasks.update(other, { status: 'done' })),
  })
  await server.tasks.create({ id: taskId, title: 'New task', created_at: '2024-11-28T10:00:00Z' })
  await server.tasks.create({ id: other, title: 'Another task', created_at: '2024-11-28T10:00:00Z' })
  using client = await openPlainClient(`${server.url}?token=user1`)
  await client.next()
  const { epoch } = await server.head()
  for (const golden of read('snapshot')) {
    if (golden.direction === 'client') client.send(withEpoch(golden.frame ?? {}, epoch))
    else expect(comparable(await client.next())).toEqual(comparable(golden.frame))
  }
  client.send({ type: 'ping', requestId: 'last' })
  expect(await client.next()).toMatchObject({ type: 'pong', position: { offset: 3 } })
})

/** What makes the server send a frame that answers no request. */
async function causeOf(
  frame: Record<string, unknown>,
  { tasks, ban }: Awaited<ReturnType<typeof startServer>>,
  user2: { send(frame: object): void },
): Promise<void> {
  if (frame['requestId'] !== undefined) return
  if (frame['ended'] === true) await ban('user1')
  if (frame['channel'] === 'entity:Task') {
    if (frame['type'] === 'entity:created') {
      await tasks.create({ id: taskId, title: 'New task', created_at: '2024-11-28T10:00:00Z' })
    }
    if (frame['type'] === 'entity:updated') await tasks.update(taskId, { status: 'done' })
    if (frame['type'] === 'entity:deleted') await tasks.delete(taskId)
  }
  if (frame['type'] === 'presence:join')
    user2.send({ type: 'presence:join', channel: resource, timestamp: 1701234567890 })
  if (frame['type'] === 'presence:leave')
    user2.send({ type: 'presence:leave', channel: resource, timestamp: 1701234567890 })
}

/** A frame without what differs from run to run, once it is known to be of the right kind. */
function comparable(frame: Record<string, unknown>): unknown {
  return JSON.parse(
    JSON.stringify(frame, (key, value: unknown) => {
      if (key === 'timestamp' || key === 'lastSeen' || key === 'expiresAt')
        return typeof value === 'number' ? '<ms>' : value
      if (key === 'epoch' || key === 'connectionId') return typeof value === 'string' ? '<random>' : value
      if (key === 'message') return typeof value === 'string' && value !== '' ? '<sentence>' : value
      return value
    }),
  )
}

/** A client repeats the positions that it was told. */
function withEpoch(frame: object, epoch: string): object {
  return JSON.parse(
    JSON.stringify(frame, (key, value: unknown) => (key === 'epoch' ? epoch : value)),
  ) as object
}

function read(exchange: string): readonly GoldenFrame[] {
  const file = new URL(`../../../packages/protocol/frames/${exchange}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as readonly GoldenFrame[]
}

interface ServerOptions {
  readonly lastsMs?: number
  /** Snapshots are read row by row, and this is awaited behind the first. */
  readonly behindFirstRow?: (tasks: RealtimeRepository<typeof Task>) => Promise<void>
}

async function startServer({ lastsMs, behindFirstRow }: ServerOptions = {}) {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({ database, entity: Task })
  const banned = new Set<string>()
  await database.migrate([tasks])
  const realtime = createRealtimeServer({
    repositories: [behindFirstRow === undefined ? tasks : readSlowly(tasks, () => behindFirstRow(tasks))],
    history: database.changeLog,
    authenticate: ({ token }) =>
      token === null
        ? null
        : {
            id: token,
            name: names[token] ?? token,
            ...(lastsMs !== undefined && { expiresAt: Date.now() + lastsMs }),
          },
    policies: policies(
      allow(Task, (user) => user !== null),
      allowChannel('presence', ({ id }) => !banned.has(id)),
    ),
    plugins: [presence({ ttlMs: 30_000 })],
  })
  const relay = database.startRelay(realtime.eventBus)
  const http = createServer()
  attachWebSockets(realtime, http, { path: '/ws' })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    tasks,
    head: () => database.changeLog.head(),
    async ban(userId: string) {
      banned.add(userId)
      await realtime.invalidate({ userId })
    },
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`,
    async [Symbol.asyncDispose]() {
      await relay.stop()
      await realtime.close()
      http.close()
      await database.close()
    },
  }
}
