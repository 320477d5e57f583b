// A process that writes until it is killed between two statements. Arguments: path, and how many statements of the write
// path it may run. Says on stdout, one id a line, what it was told is written.
import { writeSync } from 'node:fs'
import Database from 'better-sqlite3'
import {
  createRealtimeRepository,
  openDatabase,
  type SqliteHandle,
  type SqliteStatement,
} from '../../src/index.ts'
import { Task } from './database.ts'

const [path = '', allowed = '0'] = process.argv.slice(2)
let left = Number.POSITIVE_INFINITY

function counting<T>(run: () => T): T {
  if (left-- <= 0) process.kill(process.pid, 'SIGKILL')
  return run()
}

const inner = new Database(path)
const handle: SqliteHandle = {
  prepare(sql): SqliteStatement {
    const statement = inner.prepare(sql)
    return {
      reader: statement.reader,
      get: (...parameters) => counting(() => statement.get(...parameters)),
      all: (...parameters) => counting(() => statement.all(...parameters)),
      run: (...parameters) => counting(() => statement.run(...parameters)),
    }
  },
  exec: (sql) => inner.exec(sql),
  close: () => inner.close(),
  get inTransaction() {
    return inner.inTransaction
  },
}
const database = openDatabase({ handle })
const tasks = createRealtimeRepository({ database, entity: Task })
await database.migrate([tasks])
left = Number(allowed)
for (let index = 0; ; index++) {
  const ids = [`${index}a`, `${index}b`]
  await Promise.all(ids.map((id) => tasks.create({ id, title: 'x' }, { mutationId: id })))
  writeSync(1, `${ids.join('\n')}\n`)
  await tasks.update(`${index}a`, { title: 'y' })
  await tasks.delete(`${index}b`)
}
