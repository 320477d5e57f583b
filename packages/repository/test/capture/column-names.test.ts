import { defineEntity } from '@dnr/protocol'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { told } from '../support/captured.ts'
import { changesAfter } from '../support/items.ts'

/** The columns of the tables that triggers use, and what else they call something. */
const OURS = [
  ['row_id', 'for_id', 'entity', 'kept', 'mark', 'image', 'number', 'first_offset', 'name', 'value', 'seq'],
  [
    'offset',
    'transaction_offset',
    'operation',
    'before',
    'after',
    'at',
    'actor',
    'mutation_id',
    'v',
    'counting',
  ],
].flat()

test('a table whose columns are called as those of DNR is logged like any other', async () => {
  const shape = Object.fromEntries(OURS.map((name) => [name, z.string().nullable().default(null)]))
  const Named = defineEntity(
    'Named',
    z.object({ id: z.string(), ...shape, slug: z.string().nullable().default(null) }),
  )
  const handle = new Database(':memory:')
  const database = openDatabase({ handle })
  const rows = createRealtimeRepository({ database, entity: Named, captureTable: true })
  await database.migrate([rows])
  handle.exec('CREATE UNIQUE INDEX slugs ON Named (slug)')
  await database.migrate([rows])
  const start = await database.changeLog.head()
  const set = (to: string) => OURS.map((name) => `"${name}" = '${to}'`).join()

  handle.exec("INSERT INTO Named (id, slug) VALUES ('a', 'x'), ('b', 'y')")
  handle.exec(`UPDATE Named SET ${set('a')}`)
  await rows.update('a', { slug: 'z' })
  handle.exec("INSERT OR REPLACE INTO Named (id, slug, row_id) VALUES ('b', 'z', 'a')")
  handle.exec(`UPDATE Named SET ${set('Named')}, slug = 'w'; DELETE FROM Named`)

  expect(told(await changesAfter({ database }, start, 'Named'))).toEqual([
    'created a 1',
    'created b 1',
    'updated a 2',
    'updated b 2',
    'updated a 3',
    'deleted a 4',
    'updated b 3',
    'updated b 4',
    'deleted b 5',
  ])
  expect(await database.verify([rows])).toMatchObject({ ok: true })
  await database.close()
  handle.close()
})
