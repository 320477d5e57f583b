// Written by hand on `better-sqlite3`: the row alone, with its log entry, and with the record of its answer.
import Database from 'better-sqlite3'
import type { ItemRow } from '../contenders/item.ts'
import { ITEM_DDL, LOG_DDL, type Synchronous, type Writer } from './writer.ts'

/** A database file as DNR opens its own. */
export function openFile(path: string, synchronous: Synchronous): Database.Database {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${synchronous}`)
  database.exec(ITEM_DDL + LOG_DDL)
  return database
}

const INSERT_ROW = `INSERT INTO Item (id, title, status, team, rank, notes, version)
  VALUES (:id, :title, :status, :team, :rank, :notes, :version)`

/** Prepared statements, each a commit of its own: what SQLite takes for a row. */
export function startRawWriter(path: string, synchronous: Synchronous): Writer {
  const database = openFile(path, synchronous)
  const insert = database.prepare(INSERT_ROW)
  const change = database.prepare('UPDATE Item SET title = ?, rank = ?, version = version + 1 WHERE id = ?')
  return {
    create: (row) => insert.run(row),
    update: (id, { title, rank }) => change.run(title, rank, id),
    close: () => database.close(),
  }
}

/** Row and log entry in one synchronous transaction; `withAnswer`: also what makes a repeated write happen once. */
export function startHandWriter(path: string, synchronous: Synchronous, withAnswer: boolean): Writer {
  const database = openFile(path, synchronous)
  const statements = {
    row: database.prepare(INSERT_ROW),
    byId: database.prepare('SELECT * FROM Item WHERE id = ?'),
    change: database.prepare('UPDATE Item SET title = ?, rank = ?, version = ? WHERE id = ?'),
    log: database.prepare(`INSERT INTO log (entity, row_id, operation, version, "before", "after", mutation_id, actor, at)
      VALUES ('Item', ?, ?, ?, ?, ?, ?, NULL, ?)`),
    answered: database.prepare('SELECT answer FROM answers WHERE scope = ? AND mutation_id = ?'),
    answer: database.prepare('INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)'),
  }
  let mutations = 0
  const once = (write: (mutationId: string | null) => { after: ItemRow; offset: number | bigint }): void => {
    const mutationId = withAnswer ? `mutation-${++mutations}` : null
    if (mutationId !== null && statements.answered.get('', mutationId) !== undefined) return
    const { after, offset } = write(mutationId)
    if (mutationId !== null)
      statements.answer.run('', mutationId, JSON.stringify(after), after.version, offset, Date.now())
  }
  const log = (operation: string, before: ItemRow | null, after: ItemRow, mutationId: string | null) =>
    statements.log.run(
      after.id,
      operation,
      after.version,
      before === null ? null : JSON.stringify(before),
      JSON.stringify(after),
      mutationId,
      Date.now(),
    ).lastInsertRowid
  const create = database.transaction((row: ItemRow) =>
    once((mutationId) => {
      statements.row.run(row)
      return { after: row, offset: log('created', null, row, mutationId) }
    }),
  )
  const update = database.transaction((id: string, patch: Pick<ItemRow, 'title' | 'rank'>) =>
    once((mutationId) => {
      const before = statements.byId.get(id) as ItemRow
      const after = { ...before, ...patch, version: before.version + 1 }
      statements.change.run(after.title, after.rank, after.version, id)
      return { after, offset: log('updated', before, after, mutationId) }
    }),
  )
  return {
    create: (row) => create.immediate(row),
    update: (id, patch) => update.immediate(id, patch),
    close: () => database.close(),
  }
}
