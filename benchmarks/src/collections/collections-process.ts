// Rows in the memory of a process, as a page has them. Asked by the parent: open, firstChanges, changes.
import { type ItemRow, itemRow } from '../contenders/item.ts'
import { answerParent } from '../process/child.ts'
import { type Shelf, type ShelfName, shelves } from './shelf.ts'

interface Asked {
  readonly shelf: ShelfName
  readonly isView: boolean
  readonly rows: number
}

/** Asking for the time costs as much as a change. */
const CHANGES_BETWEEN_LOOKS = 20

/** The compiler's threads are done with what made the rows. */
const SETTLE_MS = 50

interface Kept {
  readonly shelf: Shelf
  readonly rows: ItemRow[]
}

const opened = new Map<string, Kept>()
let offset = 0

answerParent(
  {
    start: () => null,
    open: async ({ shelf, isView, rows }: Asked) => {
      const made = rowsOf(rows)
      const each = await shelves[shelf].make({ isView })
      await settle()
      const startedAt = cpuMicros()
      await each.open(made)
      const micros = cpuMicros() - startedAt
      checkRow(each, made.at(-1) as ItemRow)
      each.close()
      return { micros }
    },
    firstChanges: async ({ changes, ...asked }: Asked & { readonly changes: number }) => {
      const kept = await openOnce(asked)
      const startedAt = cpuMicros()
      for (let count = 0; count < changes; count++) await change(kept)
      return { micros: (cpuMicros() - startedAt) / changes }
    },
    /** As many changes as fit: every contender has the same time. */
    changes: async ({ forMs, ...asked }: Asked & { readonly forMs: number }) => {
      const kept = await openOnce(asked)
      const startedAt = cpuMicros()
      let micros = 0
      let changes = 0
      while (micros < forMs * 1_000) {
        for (let count = 0; count < CHANGES_BETWEEN_LOOKS; count++) await change(kept)
        changes += CHANGES_BETWEEN_LOOKS
        micros = cpuMicros() - startedAt
      }
      return { micros: micros / changes }
    },
  },
  async () => {},
)

function rowsOf(count: number): ItemRow[] {
  return Array.from({ length: count }, (_, index) => ({
    ...itemRow(index),
    id: `item-${String(index).padStart(6, '0')}`,
    status: 'todo',
    version: 1,
  }))
}

async function openOnce({ shelf, isView, rows }: Asked): Promise<Kept> {
  const key = `${shelf} ${isView}`
  const known = opened.get(key)
  if (known !== undefined) return known
  const made = rowsOf(rows)
  const kept = { shelf: await shelves[shelf].make({ isView }), rows: made }
  await kept.shelf.open(made)
  opened.set(key, kept)
  return kept
}

/** One optimistic update of a row that the view shows, stored and seen back. */
async function change({ shelf, rows }: Kept): Promise<void> {
  const at = (++offset * 7_919) % rows.length
  const row = rows[at] as ItemRow
  const title = `Title ${offset}`
  shelf.update(row.id, title)
  const stored = { ...row, title, version: row.version + 1 }
  rows[at] = stored
  checkRow(shelf, { ...row, title })
  await shelf.confirm(stored, offset)
  checkRow(shelf, stored)
}

function checkRow(shelf: Shelf, { id, title }: ItemRow): void {
  if (shelf.get(id)?.title !== title) throw new Error(`${id} is not "${title}"`)
}

/**
 * Collects what making the rows has left, and lets the engine's threads finish with it. A page gets its rows from `JSON.parse`
 * whoever keeps them, so that their garbage belongs to no contender.
 */
async function settle(): Promise<void> {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}

/** CPU time: what others on the machine do meanwhile does not count. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
