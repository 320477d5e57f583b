import type { Position, WireRow } from '@dnr/protocol'
import type { ReadonlySignal } from '@preact/signals-core'
import { expectTypeOf, test } from 'vitest'
import {
  type ConfirmedRows,
  createOptimisticManager,
  type FailedMutation,
  httpMutations,
  type MutationRequest,
  type MutationTransport,
  type OptimisticMutation,
} from '../src/index.ts'

interface Task {
  readonly id: string
  readonly version: number
  readonly title: string
  readonly done: boolean
}
declare const confirmed: ConfirmedRows<Task>
declare const transport: MutationTransport

test('rows and writes have the types of the confirmed rows', () => {
  const tasks = createOptimisticManager({ transport }).collection(confirmed)
  expectTypeOf(tasks.rows).toEqualTypeOf<ReadonlySignal<readonly Task[]>>()
  expectTypeOf(tasks.byId('a')).toEqualTypeOf<Task | undefined>()
  expectTypeOf(tasks.create({ title: 'x' })).toEqualTypeOf<OptimisticMutation<Task>>()
  expectTypeOf(tasks.create({ id: 'a', title: 'x' }).acked).toEqualTypeOf<Promise<Task | null>>()
  expectTypeOf(tasks.update('a', (task) => ({ done: !task.done })).synced).toEqualTypeOf<Promise<void>>()
  expectTypeOf(tasks.failed.value).toEqualTypeOf<readonly FailedMutation[]>()
})

test('unknown fields, wrong values, id and version are refused', () => {
  const tasks = createOptimisticManager({ transport }).collection(confirmed)
  // @ts-expect-error -- there is no such field
  void (() => tasks.create({ titel: 'x' }))
  // @ts-expect-error -- a title is a text
  void (() => tasks.update('a', { title: 7 }))
  // @ts-expect-error -- the id of a row never changes
  void (() => tasks.update('a', { id: 'b' }))
  // @ts-expect-error -- versions are counted by the server
  void (() => tasks.update('a', { version: 2 }))
  // @ts-expect-error -- what a function returns is checked as well
  void (() => tasks.update('a', () => ({ done: 'yes' })))
})

test('rows in their wire form are checked by their own fields', () => {
  const wire = {} as ConfirmedRows<Task & WireRow>
  const tasks = createOptimisticManager({ transport }).collection(wire)
  void (() => tasks.update('a', { title: 'x' }))
  // @ts-expect-error -- there is no such field, though a wire row may hold any
  void (() => tasks.update('a', { titel: 'x' }))
})

test('resolve sees rows and returns fields, now or later', () => {
  createOptimisticManager({ transport }).collection(confirmed, {
    resolve: (base, local, remote) => {
      expectTypeOf(base).toEqualTypeOf<Task | undefined>()
      expectTypeOf(local).toEqualTypeOf<Task>()
      return Promise.resolve({ title: `${local.title} ${remote.title}` })
    },
    // @ts-expect-error -- drafts are fields of the row
    draft: () => ({ titel: '' }),
  })
})

test('what the client answers fits the transport, and httpMutations does', () => {
  expectTypeOf(httpMutations({ url: '/api' })).toEqualTypeOf<MutationTransport>()
  interface ClientShape {
    mutate(
      mutation: MutationRequest,
      options?: { signal?: AbortSignal },
    ): Promise<{ position: Position | null; row: Task | null; visible: boolean }>
    readonly connected: ReadonlySignal<boolean>
  }
  expectTypeOf<ClientShape>().toExtend<MutationTransport>()
})
