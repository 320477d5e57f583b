// A process that is killed in the middle of a bulk call. Arguments: path, and at which row.
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { Task } from './database.ts'

const [path = '', fatalRow = '0'] = process.argv.slice(2)
const database = openDatabase({ path })
const tasks = createRealtimeRepository({
  database,
  entity: Task,
  captureTable: true,
  prepare: {
    create(fields) {
      if (fields.rank === Number(fatalRow)) process.kill(process.pid, 'SIGKILL')
      return fields
    },
  },
})
await database.migrate([tasks])
const rows = Array.from({ length: 5 }, (_, rank) => ({ id: `t${rank}`, title: 'x', rank }))
await tasks.createMany(rows, { mutationId: 'bulk' })
await database.close()
