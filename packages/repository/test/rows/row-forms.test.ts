import { type Change, defineEntity } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { expectLogToBeTheTable, openItems } from '../support/items.ts'

const Note = defineEntity(
  'Note',
  z.object({
    id: z.string(),
    tags: z.array(z.string()),
    text: z.string().optional(),
    due: z.date().nullable(),
    size: z.bigint(),
  }),
)

test('what rules and callers do to the rows they are given stays theirs: the change tells what was written', async () => {
  const database = openDatabase({ path: ':memory:' })
  await using _closed = { [Symbol.asyncDispose]: () => database.close() }
  const notes = createRealtimeRepository({ database, entity: Note })
  await database.migrate([notes])
  const changes: Change[] = []
  const relay = database.startRelay({ publish: (transaction) => void changes.push(...transaction) })
  const spoil = (row: z.infer<typeof Note.schema> | null): void => {
    row?.tags.push('spoilt')
    row?.due?.setTime(0)
    if (row !== null) row.text = 'spoilt'
  }
  const authorize = ({ before, after }: { before: never; after: never }): void => {
    spoil(before)
    spoil(after)
  }
  const due = new Date(86_400_000)
  const fields = { id: 'a', tags: ['x'], due, size: 5n }
  for (const mutation of [
    { operation: 'create', fields },
    { operation: 'update', id: 'a', fields: { text: 'read', size: 6n } },
    { operation: 'update', id: 'a', fields: { due: null } },
    { operation: 'delete', id: 'a' },
  ] as const) {
    const { row } = await notes.mutate(mutation, { authorize: authorize as never })
    spoil(row)
  }
  await relay.flush()

  const created = { id: 'a', tags: ['x'], due: due.toISOString(), size: '5', version: 1 }
  const read = { ...created, text: 'read', size: '6', version: 2 }
  const cleared = { ...read, due: null, version: 3 }
  expect(changes.map(({ before, after }) => [before, after])).toEqual([
    [null, created],
    [created, read],
    [read, cleared],
    [cleared, null],
  ])
})

test('a BLOB in a field of bigints is an empty field: in reads, in conditions and in the log', async () => {
  await using open = await openItems(':memory:')
  open.handle.exec("INSERT INTO Item (id, size) VALUES ('a', x'3132'), ('b', '12')")
  expect(await open.items.get('a')).toMatchObject({ size: null })
  const idsWhere = async (size: string | null) => {
    const { rows } = await open.items.find({ where: { size } as never })
    return rows.map(({ id }) => id)
  }
  expect([await idsWhere(null), await idsWhere('12')]).toEqual([['a'], ['b']])
  await open.items.update('a', { title: 'x' })
  await expectLogToBeTheTable(open)
})
