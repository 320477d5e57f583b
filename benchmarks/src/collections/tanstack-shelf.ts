import { createCollection, createLiveQueryCollection, eq, type SyncConfig } from '@tanstack/db'
import type { ItemRow } from '../contenders/item.ts'
import type { Shelf, ShelfOptions } from './shelf.ts'

type Sync = Parameters<SyncConfig<ItemRow, string>['sync']>[0]

/** A collection as its documentation shows it: the handler of a write waits for the server, whose change comes by sync. */
export async function createTanstackShelf({ isView }: ShelfOptions): Promise<Shelf> {
  let sync = undefined as unknown as Sync
  let stored = (): void => {}
  const items = createCollection<ItemRow, string>({
    getKey: ({ id }) => id,
    startSync: true,
    sync: {
      sync(started) {
        sync = started
      },
    },
    onUpdate: () => new Promise<void>((resolve) => (stored = resolve)),
  })
  let notified = 0
  const live = createLiveQueryCollection({
    startSync: isView,
    query: (query) =>
      query
        .from({ item: items })
        .where(({ item }) => eq(item.status, 'todo'))
        .orderBy(({ item }) => item.rank),
  })
  const watched = isView
    ? live.subscribeChanges(() => {
        void live.toArray.length
        notified++
      })
    : items.subscribeChanges(() => notified++)
  let persisted: Promise<unknown> = Promise.resolve()
  return {
    async open(rows) {
      sync.begin()
      for (const value of rows) sync.write({ type: 'insert', value })
      void sync.commit()
      sync.markReady()
      if (isView) await live.preload()
    },
    update(id, title) {
      const transaction = items.update(id, (draft) => {
        draft.title = title
      })
      persisted = transaction.isPersisted.promise
    },
    confirm(value) {
      sync.begin()
      sync.write({ type: 'update', value })
      void sync.commit()
      stored()
      return persisted as Promise<void>
    },
    get: (id) => items.get(id),
    get notified() {
      return notified
    },
    close: () => watched.unsubscribe(),
  }
}
