import { type Generated, Kysely, SqliteDialect, type Transaction } from 'kysely'
import type { ItemRow } from '../contenders/item.ts'
import { openFile } from './plain-writers.ts'
import type { Synchronous, Writer } from './writer.ts'

interface Tables {
  Item: ItemRow
  log: {
    offset: Generated<number>
    entity: string
    row_id: string
    operation: string
    version: number
    before: string | null
    after: string
    mutation_id: string
    actor: string | null
    at: number
  }
  answers: {
    scope: string
    mutation_id: string
    answer: string
    version: number
    offset: number
    at: number
  }
}

/** Row, log entry and answer as one would write them with Kysely: a transaction that awaits each query. */
export function startKyselyWriter(path: string, synchronous: Synchronous): Writer {
  const kysely = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: openFile(path, synchronous) }),
  })
  let mutations = 0
  const once = (
    write: (trx: Transaction<Tables>) => Promise<{ before: ItemRow | null; after: ItemRow }>,
  ): Promise<void> =>
    kysely.transaction().execute(async (trx) => {
      const mutation = { scope: '', mutation_id: `mutation-${++mutations}` }
      const known = await trx
        .selectFrom('answers')
        .select('answer')
        .where('scope', '=', mutation.scope)
        .where('mutation_id', '=', mutation.mutation_id)
        .executeTakeFirst()
      if (known !== undefined) return
      const { before, after } = await write(trx)
      const { insertId } = await trx
        .insertInto('log')
        .values({
          entity: 'Item',
          row_id: after.id,
          operation: before === null ? 'created' : 'updated',
          version: after.version,
          before: before === null ? null : JSON.stringify(before),
          after: JSON.stringify(after),
          mutation_id: mutation.mutation_id,
          actor: null,
          at: Date.now(),
        })
        .executeTakeFirstOrThrow()
      const { version } = after
      const answer = { answer: JSON.stringify(after), version, offset: Number(insertId), at: Date.now() }
      await trx
        .insertInto('answers')
        .values({ ...mutation, ...answer })
        .execute()
    })
  return {
    create: (row) =>
      once(async (trx) => {
        await trx.insertInto('Item').values(row).execute()
        return { before: null, after: row }
      }),
    update: (id, patch) =>
      once(async (trx) => {
        const before = await trx.selectFrom('Item').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
        const after = { ...before, ...patch, version: before.version + 1 }
        const { title, rank, version } = after
        await trx.updateTable('Item').set({ title, rank, version }).where('id', '=', id).execute()
        return { before, after }
      }),
    close: () => kysely.destroy(),
  }
}
