import { statSync } from 'node:fs'
import type { DnrError } from '@dnr/protocol'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import {
  createRealtimeRepository,
  type DatabaseHealth,
  openDatabase,
  type RealtimeDatabase,
} from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'
import { canMountSmallDisk, openSmallDisk } from '../support/small-disk.ts'
import { foldEntries, readStoredState } from '../support/stored-state.ts'

const onSmallDisk = test.skipIf(!canMountSmallDisk())
const large = 'x'.repeat(200)

/** Everything that a relay of `database` publishes, by id. */
function follow(database: RealtimeDatabase) {
  const ids: string[] = []
  const relay = database.startRelay({ publish: (changes) => void ids.push(...changes.map(({ id }) => id)) })
  return { ids, flush: relay.flush }
}

function expectAgreement(path: string): void {
  const { entries, rows } = readStoredState(path, ['Task'])
  const alive = [...foldEntries(entries)].filter(([, row]) => row !== null)
  expect(rows).toEqual(new Map(alive))
}

onSmallDisk(
  'F16 on a full disk writes are refused by name, reads go on, health says why, and all of it heals by itself',
  async () => {
    using disk = openSmallDisk(16_777_216)
    await using open = await openTasks({ path: disk.path })
    const { database, tasks } = open
    const published = follow(database)
    await tasks.create({ id: 'before', title: 'x' })

    disk.fill(400_000)
    const codes: string[] = []
    const attempt = async (): Promise<unknown> => {
      const index = codes.length
      const outcome = tasks.create({ id: `t${index}`, title: large }, { mutationId: `m${index}` })
      codes.push('resolved')
      return outcome.catch((error: DnrError) => {
        codes[index] = error.code
        return error
      })
    }
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 10 }, attempt))
    // The last pages go to whoever is small enough to fit, such as health's own probe.
    let refused: unknown
    let health: DatabaseHealth
    do {
      refused = await attempt()
      health = await database.health()
    } while (health.ok)
    expect(new Set(codes)).toEqual(new Set(['resolved', 'storage_full']))
    expect(refused).toMatchObject({ code: 'storage_full', retryable: true, retryAfterMs: 5_000 })
    expect(health).toMatchObject({
      error: { code: 'storage_full' },
      position: { offset: 1 + codes.filter((code) => code === 'resolved').length },
    })

    const stored = codes.flatMap((code, index) => (code === 'resolved' ? [`t${index}`] : []))
    expect((await tasks.snapshot()).rows.map(({ id }) => id)).toEqual(['before', ...stored].sort())
    await published.flush()
    expect(published.ids).toEqual(['before', ...stored])
    expectAgreement(disk.path)

    disk.free()
    expect(await database.health()).toMatchObject({ ok: true, error: null })
    // The same mutations again: what was stored is answered from the store, what was refused happens now.
    for (const [index, code] of codes.entries()) {
      const again = { operation: 'create', fields: { id: `t${index}`, title: large } } as const
      const { replayed } = await tasks.mutate(again, { mutationId: `m${index}` })
      expect(replayed).toBe(code === 'resolved')
    }
    await published.flush()
    expect([...published.ids].sort()).toEqual(['before', ...codes.map((_, index) => `t${index}`)].sort())
    expectAgreement(disk.path)
  },
)

onSmallDisk('F16 a checkpoint that finds no room loses nothing and is made up for later', async () => {
  using disk = openSmallDisk(4_194_304)
  const handle = new Database(disk.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  // The write-ahead log has its full length and begins anew: it needs no room for a while, but the file does.
  handle.pragma('wal_autocheckpoint = 200')
  const write = () => tasks.create({ title: large })
  for (let index = 0; index < 60; index++) await write()
  handle.pragma('wal_checkpoint(RESTART)')
  disk.fill()
  const sizeBefore = statSync(disk.path).size
  let written = 0
  while ((await codeOf(write())) === 'resolved') written++
  expect(written).toBeGreaterThan(10)
  // The file could not grow, so what was written is in the write-ahead log alone.
  expect(statSync(disk.path).size).toBe(sizeBefore)
  expect((await tasks.snapshot()).rows).toHaveLength(60 + written)
  expectAgreement(disk.path)

  disk.free()
  for (let index = 0; index < 100; index++) await write()
  expect(statSync(disk.path).size).toBeGreaterThan(sizeBefore)
  await database.close()
  handle.close()
  expect(readStoredState(disk.path, ['Task']).entries).toHaveLength(160 + written)
  expectAgreement(disk.path)
})

test('F16 a transaction that ran into a full disk writes nothing more, also when its author swallows the error', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  const published = follow(database)
  handle.pragma(`max_page_count = ${handle.pragma('page_count', { simple: true }) as number}`)

  const codes: string[] = []
  const outcome = codeOf(
    database.transaction(async (tx) => {
      for (let index = 0; index < 200; index++) {
        if (codes.includes('storage_full')) handle.pragma('max_page_count = 1000000')
        codes.push(await codeOf(tasks.within(tx).create({ id: `t${index}`, title: large })))
      }
    }),
  )
  expect(await outcome).toBe('storage_full')
  expect(codes.slice(codes.indexOf('storage_full'))).not.toContain('resolved')
  expect((await tasks.find()).rows).toEqual([])
  expect(await tasks.mutate({ operation: 'create', fields: { title: 'next' } })).toMatchObject({
    position: { offset: 1 },
  })
  await published.flush()
  expect(published.ids).toHaveLength(1)
  await database.close()
  handle.close()
})

onSmallDisk(
  'F17 a disk that may only be read is refused at open, by name, and taken when it may be written again',
  async () => {
    using disk = openSmallDisk(4_194_304)
    {
      await using open = await openTasks({ path: disk.path })
      await open.tasks.create({ id: 'kept', title: 'x' })
    }
    disk.remount('ro')
    expect(() => openDatabase({ path: disk.path })).toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    )
    disk.remount('rw')
    await using open = await openTasks({ path: disk.path })
    expect(await open.tasks.get('kept')).toMatchObject({ title: 'x' })
  },
)
