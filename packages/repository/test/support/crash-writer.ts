// A process that is killed at a chosen step. Arguments: path, scenario, and how many steps it may take: statements,
// and lines in which it says what it was told is written.
import { writeSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { SqliteHandle, SqliteStatement } from '../../src/index.ts'
import { migrate, openBoard, SCENARIOS } from './crash-scenarios.ts'

const [path = '', scenario = '', allowed = '0'] = process.argv.slice(2)
let left = Number.POSITIVE_INFINITY

function step<T>(run: () => T): T {
  if (left-- <= 0) process.kill(process.pid, 'SIGKILL')
  return run()
}

const inner = new Database(path)
const handle: SqliteHandle = {
  prepare(sql): SqliteStatement {
    const statement = inner.prepare(sql)
    return {
      reader: statement.reader,
      get: (...parameters) => step(() => statement.get(...parameters)),
      all: (...parameters) => step(() => statement.all(...parameters)),
      run: (...parameters) => step(() => statement.run(...parameters)),
    }
  },
  exec: (sql) => step(() => inner.exec(sql)),
  close: () => inner.close(),
  get inTransaction() {
    return inner.inTransaction
  },
}
const board = openBoard({ handle })
const killed = SCENARIOS[scenario]
if (killed === undefined) throw new Error(`There is no scenario "${scenario}".`)
if (!killed.startsUnmigrated) await migrate(board)
left = Number(allowed)
await killed.run(board, (done) => {
  step(() => writeSync(1, `${JSON.stringify(done)}\n`))
})
writeSync(1, 'finished\n')
process.exit(0)
