import { defineEntity } from '@dnr/protocol'
import { historyContract } from '@dnr/testing'
import { describe, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { Task } from '../support/database.ts'

const Note = defineEntity('Note', z.object({ id: z.string(), text: z.string() }))

describe('the change log keeps the contract of a history', () => {
  test.each(historyContract)('$name', ({ run }) =>
    run(async () => {
      const database = openDatabase({ path: ':memory:' })
      const tasks = createRealtimeRepository({ database, entity: Task })
      const notes = createRealtimeRepository({ database, entity: Note })
      await database.migrate([tasks, notes])
      return {
        history: database.changeLog,
        entity: 'Task',
        write: (...ids) =>
          database.transaction(async (transaction) => {
            const within = tasks.within(transaction)
            for (const id of ids) {
              if ((await within.get(id)) === null) await within.create({ id, title: 'x' })
              else await within.update(id, { title: 'y' })
            }
          }),
        writeOther: async () => void (await notes.create({ text: 'x' })),
        trim: async () => void (await database.changeLog.trim({ keep: 0 })),
        [Symbol.asyncDispose]: () => database.close(),
      }
    }),
  )
})
