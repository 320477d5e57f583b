// What the repository can reach at best: its statements into its tables, with one commit for all that a turn of the event loop
// brings. Checks nothing, and fails as a whole.
import { createRealtimeRepository, openDatabase } from '@dnr/repository'
import Database from 'better-sqlite3'
import { Item, type ItemRow } from '../contenders/item.ts'
import type { Synchronous, Writer } from './writer.ts'

/** Row, log entry and record, as the repository keeps them. */
export async function startFloorWriter(path: string, synchronous: Synchronous): Promise<Writer> {
  await makeTables(path)
  const database = new Database(path)
  database.pragma(`synchronous = ${synchronous}`)
  database.pragma('foreign_keys = ON')
  const statements = prepareStatements(database)
  let mutations = 0
  let offset = 0

  const log = (before: ItemRow | null, after: ItemRow, store: () => void): void => {
    const mutationId = `mutation-${++mutations}`
    statements.answered.get('', mutationId)
    const operation = before === null ? 'created' : 'updated'
    const images = [before === null ? null : JSON.stringify(before), JSON.stringify(after)]
    const at = Date.now()
    offset++
    statements.log.run(offset, offset, after.id, operation, after.version, ...images, mutationId, at)
    store()
    statements.answer.run('', mutationId, 'as-long-as-any-other-1', after.version, offset, at)
  }
  const commit = createGroupCommit((writes) => {
    statements.begin.run()
    statements.foreignVersion.get()
    for (const write of writes) write()
    statements.commit.run()
  })
  return {
    create: (row) =>
      commit(() => {
        statements.tombstone.get(row.id)
        log(null, row, () => statements.row.run(row))
      }),
    update: (id, patch) =>
      commit(() => {
        const before = statements.byId.get(id) as ItemRow
        const after = { ...before, ...patch, version: before.version + 1 }
        log(before, after, () => statements.change.run(after.version, after.rank, after.title, id))
      }),
    close: () => database.close(),
  }
}

async function makeTables(path: string): Promise<void> {
  const database = openDatabase({ path })
  await database.migrate([createRealtimeRepository({ database, entity: Item })])
  await database.close()
}

function prepareStatements(database: Database.Database) {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    foreignVersion: database.prepare('PRAGMA data_version').pluck(),
    answered: database.prepare('SELECT version FROM dnr_mutations WHERE scope = ? AND mutation_id = ?'),
    tombstone: database.prepare(`SELECT version FROM dnr_tombstones WHERE entity = 'Item' AND row_id = ?`),
    byId: database.prepare('SELECT * FROM Item WHERE id = ?'),
    row: database.prepare(`INSERT INTO Item (id, title, status, team, rank, notes, version)
      VALUES (:id, :title, :status, :team, :rank, :notes, :version)`),
    change: database.prepare('UPDATE Item SET version = ?, rank = ?, title = ? WHERE id = ?'),
    log: database.prepare(`INSERT INTO dnr_change_log ("offset", transaction_offset, entity, row_id, operation, version,
      "before", "after", mutation_id, actor, at) VALUES (?, ?, 'Item', ?, ?, ?, ?, ?, ?, NULL, ?)`),
    answer:
      database.prepare(`INSERT INTO dnr_mutations (scope, mutation_id, fingerprint, version, "offset", at, answer)
      VALUES (?, ?, ?, ?, ?, ?, NULL)`),
  }
}

/** Everything that one turn of the event loop brings goes into one `commitAll`. */
function createGroupCommit(commitAll: (writes: readonly (() => void)[]) => void) {
  let waiting: { readonly write: () => void; readonly resolve: () => void }[] = []
  const turn = (): void => {
    const group = waiting
    waiting = []
    commitAll(group.map(({ write }) => write))
    for (const { resolve } of group) resolve()
  }
  return (write: () => void): Promise<void> =>
    new Promise((resolve) => {
      if (waiting.length === 0) setImmediate(turn)
      waiting.push({ write, resolve })
    })
}
