import { computed, effect, signal } from '@preact/signals-core'
import type { ItemRow } from '../contenders/item.ts'
import type { Shelf, ShelfOptions } from './shelf.ts'

/** The least that finds a row by its id and tells that one has changed: rows in a map, and one version. No change can be taken back. */
export function createMapShelf({ isView }: ShelfOptions): Shelf {
  const rows = new Map<string, ItemRow>()
  const version = signal(0)
  const view = computed(() => {
    void version.value
    return [...rows.values()].filter(({ status }) => status === 'todo').sort((a, b) => a.rank - b.rank)
  })
  let notified = 0
  const stop = effect(() => {
    void (isView ? view.value : version.value)
    notified++
  })
  const put = (row: ItemRow): void => {
    rows.set(row.id, row)
    version.value++
  }
  return {
    open(all) {
      for (const row of all) rows.set(row.id, row)
      version.value++
    },
    update: (id, title) => put({ ...(rows.get(id) as ItemRow), title }),
    confirm: put,
    get: (id) => rows.get(id),
    get notified() {
      return notified
    },
    close: stop,
  }
}
