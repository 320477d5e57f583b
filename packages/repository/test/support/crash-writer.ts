// A process that is killed at a chosen step. Arguments: path, scenario, and how many steps it may take: statements,
// and lines in which it says what it was told is written.
import { writeSync } from 'node:fs'
import { migrate, openBoard, SCENARIOS } from './crash-scenarios.ts'
import { watchDriver } from './watched-handle.ts'

const [path = '', scenario = '', allowed = '0'] = process.argv.slice(2)
let left = Number.POSITIVE_INFINITY

function step<T>(run: () => T): T {
  if (left-- <= 0) process.kill(process.pid, 'SIGKILL')
  return run()
}

// By path, as most do: only then does the writer remember where the log ends.
watchDriver((_sql, run) => step(run))
const board = openBoard({ path })
const killed = SCENARIOS[scenario]
if (killed === undefined) throw new Error(`There is no scenario "${scenario}".`)
if (!killed.startsUnmigrated) await migrate(board)
left = Number(allowed)
await killed.run(board, (done) => {
  step(() => writeSync(1, `${JSON.stringify(done)}\n`))
})
writeSync(1, 'finished\n')
process.exit(0)
