// Every place where siblings meet. A port is declared by the package that calls it; the other side fits by shape.
import type { Collection, RealtimeClient } from '@dnr/client'
import {
  createOptimisticManager,
  httpMutations,
  type ConfirmedRows,
  type MutationTransport,
} from '@dnr/optimistic'
import { createPresenceManager, type PresenceTransport } from '@dnr/presence/client'
import { presence } from '@dnr/presence/server'
import type { ChangeSink, Clock, RowOf } from '@dnr/protocol'
import { createRealtimeRepository, openDatabase, type RealtimeRepository } from '@dnr/repository'
import {
  type ChangeHistory,
  type EntityEventBus,
  type EntityStore,
  type RealtimeServer,
  type ServerPlugin,
  type ServerSocket,
  type StorageHealth,
  type SocketEvents,
} from '@dnr/server'
import { createManualClock, createSocketPair } from '@dnr/testing'
import { expectTypeOf, test } from 'vitest'
import type { Entities, Task } from '../src/task.ts'

type Fits<Fitting extends Port, Port> = Fitting

test('server ← repository', () => {
  const database = openDatabase({ path: ':memory:' })
  database.changeLog satisfies ChangeHistory
  database satisfies StorageHealth
  expectTypeOf<Fits<RealtimeRepository<typeof Task>, EntityStore<typeof Task>>>().not.toBeAny()
})

test('a repository can be given to the server without a cast', () => {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({ database, entity: {} as typeof Task })
  tasks satisfies EntityStore<typeof Task>
  ;[tasks] satisfies readonly EntityStore[]
})

test('relay → event bus', () => {
  expectTypeOf<Fits<EntityEventBus, ChangeSink>>().not.toBeAny()
  const database = openDatabase({ path: ':memory:' })
  expectTypeOf(database.startRelay).parameter(0).toEqualTypeOf<ChangeSink>()
  expectTypeOf<RealtimeServer['eventBus']>().toExtend<ChangeSink>()
})

test('server ← transport', () => {
  const pair = createSocketPair()
  pair.server satisfies ServerSocket
  expectTypeOf<SocketEvents>().toExtend<Parameters<typeof pair.server.attach>[0]>()
})

test('server ← plugin', () => {
  presence({ ttlMs: 30_000 }) satisfies ServerPlugin
})

test('presence ← client', () => {
  expectTypeOf<Fits<RealtimeClient<Entities>, PresenceTransport>>().not.toBeAny()
  createPresenceManager({ transport: {} as RealtimeClient<Entities> })
})

test('optimistic ← client', () => {
  const client = {} as RealtimeClient<Entities>
  expectTypeOf<Fits<RealtimeClient<Entities>, MutationTransport>>().not.toBeAny()
  expectTypeOf<Fits<Collection<RowOf<typeof Task>>, ConfirmedRows<RowOf<typeof Task>>>>().not.toBeAny()
  httpMutations({ url: 'http://localhost' }) satisfies MutationTransport
  const tasks = createOptimisticManager({ transport: client }).collection(client.collection('Task'))
  expectTypeOf(tasks.rows.value[0]?.title).toEqualTypeOf<string | undefined>()
  // @ts-expect-error the title is text
  tasks.create({ title: 7 })
  // @ts-expect-error there is no such field
  tasks.update('1', { colour: 'red' })
})

test('everybody ← clock', () => {
  createManualClock() satisfies Clock
})
