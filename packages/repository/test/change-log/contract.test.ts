import { copyFileSync, rmSync } from 'node:fs'
import { defineEntity } from '@dnr/protocol'
import { type HistoryFixture, historyContract } from '@dnr/testing'
import { describe, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { Task, temporaryFile } from '../support/database.ts'

const Note = defineEntity('Note', z.object({ id: z.string(), text: z.string() }))

async function openFile(path: string) {
  const database = openDatabase({ path })
  const tasks = createRealtimeRepository({ database, entity: Task })
  const notes = createRealtimeRepository({ database, entity: Note })
  await database.migrate([tasks, notes])
  return { database, tasks, notes }
}

async function openHistory(): Promise<HistoryFixture> {
  const file = temporaryFile({ inMemory: true })
  let open = await openFile(file.path)
  return {
    get history() {
      return open.database.changeLog
    },
    entity: 'Task',
    write: (...ids) =>
      open.database.transaction(async (transaction) => {
        const within = open.tasks.within(transaction)
        for (const id of ids) {
          if ((await within.get(id)) === null) await within.create({ id, title: 'x' })
          else await within.update(id, { title: 'y' })
        }
      }),
    writeOther: async () => void (await open.notes.create({ text: 'x' })),
    trim: async () => void (await open.database.changeLog.trim({ keep: 0 })),
    async lose(work) {
      const copy = `${file.path}.copy`
      for (const suffix of ['', '-wal']) copyFileSync(file.path + suffix, copy + suffix)
      await work()
      await open.database.close()
      for (const suffix of ['', '-wal']) {
        rmSync(file.path + suffix, { force: true })
        copyFileSync(copy + suffix, file.path + suffix)
      }
      open = await openFile(file.path)
    },
    async [Symbol.asyncDispose]() {
      await open.database.close()
      file[Symbol.dispose]()
    },
  }
}

describe('the change log keeps the contract of a history', () => {
  test.each(historyContract)('$name', ({ run }) => run(openHistory))
})
