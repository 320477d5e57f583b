// The collection of @dnr/client as a subscription feeds it, and the overlay of @dnr/optimistic; both without a socket, since
// the peers have none.
import { createOptimisticManager, type MutationAnswer } from '@dnr/optimistic'
import { effect, signal } from '@preact/signals-core'
import { createCollection } from '../../../packages/client/src/collection/collection.ts'
import { createFlusher } from '../../../packages/client/src/collection/flusher.ts'
import { type RowForm, wireForm } from '../../../packages/client/src/collection/row-form.ts'
import type { ItemRow } from '../contenders/item.ts'
import type { Shelf, ShelfOptions } from './shelf.ts'

const EPOCH = 'V1StGXR8_Z5jdHi6B-myT'

export function createDnrShelf({ isView }: ShelfOptions): Shelf {
  const flusher = createFlusher((call) => call())
  const query = isView ? { where: { status: 'todo' }, orderBy: [['rank', 'asc']] as const } : {}
  const { collection, sink } = createCollection<ItemRow>('Item', query, wireForm as RowForm<ItemRow>, flusher)
  let answer = (_answer: MutationAnswer): void => {}
  const manager = createOptimisticManager({
    transport: {
      connected: signal(true),
      mutate: () => new Promise((resolve) => (answer = resolve)),
    },
  })
  const items = manager.collection<ItemRow>(collection)
  let notified = 0
  const stop = isView
    ? effect(() => {
        void items.rows.value.length
        notified++
      })
    : collection.onBatch(() => notified++)
  let mutation: ReturnType<typeof items.update> | undefined
  return {
    async open(rows) {
      sink.rows?.(rows, { epoch: EPOCH, offset: 0 })
      sink.status('live', null)
      await collection.ready
    },
    update(id, title) {
      mutation = items.update(id, { title })
    },
    async confirm(row, offset) {
      const position = { epoch: EPOCH, offset }
      // The write goes out in a microtask.
      await null
      answer({ row, position, visible: true })
      await mutation?.acked
      const { mutationId } = mutation as { mutationId: string }
      const payload = row as ItemRow & Record<string, unknown>
      const event = { channel: 'entity:Item', payload, position, mutationId, timestamp: 0 } as const
      sink.events([{ type: 'entity:updated', ...event }], position)
      await mutation?.synced
    },
    get: items.byId,
    get notified() {
      return notified
    },
    close() {
      stop()
      manager.close()
    },
  }
}
