// The collection of @dnr/client as a subscription feeds it, and the overlay of @dnr/optimistic; both without a socket, since
// the peers have none.
import { createOptimisticManager, type MutationAnswer } from '@dnr/optimistic'
import { effect, signal } from '@preact/signals-core'
import type { Collection } from '@dnr/client'
import type { ItemRow } from '../contenders/item.ts'
import type { Shelf, ShelfOptions } from './shelf.ts'

const EPOCH = 'V1StGXR8_Z5jdHi6B-myT'

type Position = { readonly epoch: string; readonly offset: number }

/** The end by which a subscription feeds a collection; no part of the package's interface. */
interface Sink {
  rows(rows: readonly ItemRow[], position: Position): void
  events(events: readonly object[], position: Position): void
  status(status: 'live', error: null): void
}

interface CollectionModule {
  createCollection(
    entity: string,
    query: object,
    form: object,
    flusher: object,
  ): { readonly collection: Collection<ItemRow>; readonly sink: Sink }
}

interface FlusherModule {
  createFlusher(guard: (call: () => void) => void): object
}

const folder = new URL('../../../packages/client/src/collection/', import.meta.url)
const { createCollection } = (await import(`${folder}collection.ts`)) as CollectionModule
const { createFlusher } = (await import(`${folder}flusher.ts`)) as FlusherModule
const wireForm = { decode: (row: ItemRow) => row, encode: (row: ItemRow) => row }

export function createDnrShelf({ isView }: ShelfOptions): Shelf {
  const flusher = createFlusher((call) => call())
  const query = isView ? { where: { status: 'todo' }, orderBy: [['rank', 'asc']] as const } : {}
  const { collection, sink } = createCollection('Item', query, wireForm, flusher)
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
      sink.rows(rows, { epoch: EPOCH, offset: 0 })
      sink.status('live', null)
      await collection.ready
    },
    update(id, title) {
      mutation = items.update(id, { title })
    },
    async confirm(row, offset) {
      const position = { epoch: EPOCH, offset }
      // The write goes out in a microtask.
      await Promise.resolve()
      answer({ row, position, visible: true })
      await mutation?.acked
      const { mutationId } = mutation as { mutationId: string }
      const event = { channel: 'entity:Item', payload: row, position, mutationId, timestamp: 0 }
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
