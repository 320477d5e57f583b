import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { systemTables } from '../change-log/log-tables.ts'

interface Key {
  readonly entity: string
  readonly id: string
}

const remember = compileStatement<Key & { version: number; offset: number }, unknown>((param) =>
  systemTables.replaceInto('dnr_tombstones').values({
    entity: param('entity'),
    row_id: param('id'),
    version: param('version'),
    offset: param('offset'),
  }),
)
const recall = compileStatement<Key, { version: number }>((param) =>
  systemTables
    .selectFrom('dnr_tombstones')
    .select('version')
    .where('entity', '=', param('entity'))
    .where('row_id', '=', param('id')),
)
const forget = compileStatement<Key, unknown>((param) =>
  systemTables
    .deleteFrom('dnr_tombstones')
    .where('entity', '=', param('entity'))
    .where('row_id', '=', param('id')),
)

/** Remembers the version at which a row was deleted. */
export function buryRow(connection: Connection, key: Key, version: number, offset: number): void {
  connection.run(remember, { ...key, version, offset })
}

/** The version that a new row begins with: 1, or one above the deletion of the row that had this id. */
export function firstVersion(connection: Connection, key: Key): number {
  const tombstone = connection.get(recall, key)
  if (tombstone === undefined) return 1
  connection.run(forget, key)
  return tombstone.version + 1
}
