import { computed, effect, signal } from '@preact/signals-core'
import type { ItemRow } from '../contenders/item.ts'
import type { Shelf, ShelfOptions } from './shelf.ts'

/** What one writes without a library: each change maps the array, shown, stored and seen back. */
export function createArrayShelf({ isView }: ShelfOptions): Shelf {
  const rows = signal<readonly ItemRow[]>([])
  const view = computed(() =>
    rows.value.filter(({ status }) => status === 'todo').sort((a, b) => a.rank - b.rank),
  )
  let notified = 0
  const stop = effect(() => {
    void (isView ? view : rows).value.length
    notified++
  })
  const replace = (id: string, change: (row: ItemRow) => ItemRow): void => {
    rows.value = rows.value.map((row) => (row.id === id ? change(row) : row))
  }
  return {
    open(all) {
      rows.value = [...all]
    },
    update: (id, title) => replace(id, (row) => ({ ...row, title })),
    confirm(stored) {
      replace(stored.id, () => stored)
      replace(stored.id, () => stored)
    },
    get: (id) => rows.value.find((row) => row.id === id),
    get notified() {
      return notified
    },
    close: stop,
  }
}
