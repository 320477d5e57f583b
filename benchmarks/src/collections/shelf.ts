import type { ItemRow } from '../contenders/item.ts'

/** Rows as a browser keeps them. */
export interface Shelf {
  /** Takes all rows; resolves when they can be read. */
  open(rows: readonly ItemRow[]): void | Promise<void>
  /** Shows the change at once. */
  update(id: string, title: string): void
  /** The server has stored it as `row`, and its event arrives; resolves when the change is confirmed. */
  confirm(row: ItemRow, offset: number): void | Promise<void>
  get(id: string): ItemRow | undefined
  /** How often somebody who watches was told. */
  readonly notified: number
  close(): void
}

export interface ShelfOptions {
  /**
   * `true`: rows of one status in the order of their rank are kept as an array, which a watcher reads at every change;
   * otherwise nobody reads but by id.
   */
  readonly isView: boolean
}

export const shelves = {
  array: {
    title: 'the array in a signal',
    make: async (options: ShelfOptions): Promise<Shelf> =>
      (await import('./array-shelf.ts')).createArrayShelf(options),
  },
  map: {
    title: 'floor: a map and one version',
    make: async (options: ShelfOptions): Promise<Shelf> =>
      (await import('./map-shelf.ts')).createMapShelf(options),
  },
  tanstack: {
    title: 'TanStack DB',
    make: async (options: ShelfOptions): Promise<Shelf> =>
      (await import('./tanstack-shelf.ts')).createTanstackShelf(options),
  },
  dnr: {
    title: 'DNR',
    make: async (options: ShelfOptions): Promise<Shelf> =>
      (await import('./dnr-shelf.ts')).createDnrShelf(options),
  },
} as const

export type ShelfName = keyof typeof shelves
