import { type Change, defineEntity, type Position } from '@dnr/protocol'
import Database from 'better-sqlite3'
import { expect } from 'vitest'
import { z } from 'zod'
import {
  createRealtimeRepository,
  type DatabaseSettings,
  openDatabase,
  type RealtimeDatabase,
  type RealtimeRepository,
} from '../../src/index.ts'

/** Every kind of field, with and without null; a parent, and a second key. */
export const itemSchema = z.object({
  id: z.string(),
  slug: z.string().nullable().default(null),
  parent: z.string().nullable().default(null),
  title: z.string().optional(),
  rank: z.number().nullable().default(null),
  done: z.boolean().optional(),
  data: z.json().optional(),
  size: z.bigint().nullable().default(null),
  due: z.date().optional(),
})
export const Item = defineEntity('Item', itemSchema)

export const ITEM_TABLE = `CREATE TABLE Item (
  id TEXT PRIMARY KEY,
  slug TEXT UNIQUE,
  parent TEXT REFERENCES Item (id) ON DELETE CASCADE ON UPDATE CASCADE,
  title TEXT, rank REAL, done INTEGER, data TEXT, size TEXT, due TEXT,
  version INTEGER NOT NULL DEFAULT 1
)`

export interface OpenItems extends AsyncDisposable {
  readonly database: RealtimeDatabase
  readonly items: RealtimeRepository<typeof Item>
  readonly start: Position
  /** The connection that DNR uses; what is written with it is plain SQL. */
  readonly handle: Database.Database
}

/** A database whose items are captured; `ddl` runs before the table is looked at. */
export async function openItems(
  path: string,
  {
    captureTable = true,
    ddl = '',
    ...settings
  }: DatabaseSettings & { readonly captureTable?: boolean; readonly ddl?: string } = {},
): Promise<OpenItems> {
  const handle = new Database(path)
  handle.exec(ddl)
  const database = openDatabase({ handle, ...settings })
  const items = createRealtimeRepository({ database, entity: Item, captureTable })
  await database.migrate([items])
  const start = await database.changeLog.head()
  return {
    database,
    items,
    start,
    handle,
    async [Symbol.asyncDispose]() {
      await database.close()
      handle.close()
    },
  }
}

/** All changes after a position. */
export async function changesAfter(
  { database }: { readonly database: RealtimeDatabase },
  after: Position,
  entity = 'Item',
): Promise<readonly Change[]> {
  const page = await database.changeLog.read({ after, entity, limit: 1_000_000 })
  if (!page.holds) throw new Error(`does not hold: ${page.reason}`)
  return page.changes
}

/** Every change follows from the one before of its row, versions rise by one, and the last ones are the table. */
export async function expectLogToBeTheTable(open: OpenItems): Promise<readonly Change[]> {
  const changes = await changesAfter(open, { ...open.start, offset: 0 })
  const rows = new Map<string, Change>()
  for (const change of changes) {
    const previous = rows.get(change.id)
    expect(change.before).toEqual(previous?.after ?? null)
    expect(change.version).toBe((previous?.version ?? 0) + 1)
    expect(change.after?.version ?? change.version).toBe(change.version)
    expect(change.operation).toBe(
      change.before === null ? 'created' : change.after === null ? 'deleted' : 'updated',
    )
    rows.set(change.id, change)
  }
  expect(changes.map(({ position }) => position.offset)).toEqual(changes.map((_, index) => index + 1))
  const living = [...rows.values()].flatMap(({ after }) => (after === null ? [] : [after]))
  const table = (await open.items.snapshot()).rows
  const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1)
  const sent = JSON.parse(
    JSON.stringify(table, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  )
  expect(living.sort(byId)).toEqual((sent as { id: string }[]).sort(byId))
  return changes
}
