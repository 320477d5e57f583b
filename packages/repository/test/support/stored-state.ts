import Database from 'better-sqlite3'

interface Entry {
  readonly offset: number
  readonly transaction_offset: number
  readonly entity: string
  readonly row_id: string
  readonly after: string | null
  readonly mutation_id: string | null
}

interface Answer {
  readonly mutation_id: string
  readonly offset: number
}

type Row = Readonly<Record<string, unknown>>

/** What a file holds, read with plain SQL by a connection that knows nothing of the repository. */
export interface StoredState {
  readonly entries: readonly Entry[]
  readonly answers: readonly Answer[]
  readonly floor: number
  /** `entity/id` → the row's fields in JSON form. */
  readonly rows: ReadonlyMap<string, Row>
}

/** Reads everything; a file without our tables holds nothing. */
export function readStoredState(path: string, entities: readonly string[]): StoredState {
  const database = new Database(path)
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .pluck()
      .all() as string[]
    const all = <T>(table: string, order: string): T[] =>
      tables.includes(table)
        ? (database.prepare(`SELECT * FROM ${table} ORDER BY "${order}"`).all() as T[])
        : []
    const rows = entities.flatMap((entity) =>
      all<Row>(entity, 'id').map((row) => [`${entity}/${String(row['id'])}`, toJsonForm(row)] as const),
    )
    return {
      entries: all<Entry>('dnr_change_log', 'offset'),
      answers: all<Answer>('dnr_mutations', 'offset'),
      floor:
        all<{ name: string; value: number }>('dnr_meta', 'name').find(({ name }) => name === 'floor')
          ?.value ?? 0,
      rows: new Map(rows),
    }
  } finally {
    database.close()
  }
}

/** Rows as the log tells them, `null` for those that it says are gone. */
export function foldEntries(entries: readonly Entry[]): Map<string, Row | null> {
  const rows = new Map<string, Row | null>()
  for (const { entity, row_id, after } of entries) {
    rows.set(`${entity}/${row_id}`, after === null ? null : (JSON.parse(after) as Row))
  }
  return rows
}

function toJsonForm(row: Row): Row {
  return 'done' in row ? { ...row, done: row['done'] === 1 } : row
}
