// Rows in the memory of a process, as a page has them. Asked by the parent: open, changes.
import { type ItemRow, itemRow } from '../contenders/item.ts'
import { answerParent } from '../process/child.ts'
import { type Shelf, type ShelfName, shelves } from './shelf.ts'

interface Asked {
  readonly shelf: ShelfName
  readonly isView: boolean
  readonly rows: number
  readonly changes: number
}

const opened = new Map<string, { readonly shelf: Shelf; readonly rows: ItemRow[] }>()
let offset = 0

answerParent(
  {
    start: () => null,
    open: async ({ shelf, isView, rows }: Asked) => {
      const made = rowsOf(rows)
      const each = await shelves[shelf].make({ isView })
      const startedAt = cpuMicros()
      await each.open(made)
      const micros = cpuMicros() - startedAt
      checkRow(each, made.at(-1) as ItemRow)
      each.close()
      return { micros }
    },
    changes: async (asked: Asked) => {
      const { shelf, rows } = await openOnce(asked)
      const startedAt = cpuMicros()
      for (let count = 0; count < asked.changes; count++) await change(shelf, rows)
      const micros = (cpuMicros() - startedAt) / asked.changes
      return { micros }
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

async function openOnce({ shelf, isView, rows }: Asked): Promise<{ shelf: Shelf; rows: ItemRow[] }> {
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
async function change(shelf: Shelf, rows: ItemRow[]): Promise<void> {
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

/** CPU time: what others on the machine do meanwhile does not count. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
