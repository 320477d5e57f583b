// `pnpm bench`: DNR beside its peers in one run. `--quick` is a smoke test of the benchmarks themselves.
import type { ContenderName } from './contenders/contenders.ts'
import { contenders } from './contenders/contenders.ts'
import { measureFanOut } from './fan-out/fan-out.ts'
import { measureLatency } from './latency/latency.ts'
import { fanOutBudgets } from './report/budgets.ts'
import { describeMachine } from './report/machine.ts'
import { formatFanOut } from './report/format-fan-out.ts'
import { formatLatency } from './report/format-latency.ts'

const quick = process.argv.includes('--quick')
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',')
const names = (Object.keys(contenders) as ContenderName[]).filter(
  (name) => only === undefined || only.includes(name),
)

console.log(describeMachine())
if (quick) console.log('--quick: these figures mean nothing, and no budget is held against them.')
const subscribers = quick ? 50 : 1_000
const modes = [
  { title: 'one change in flight', changesPerTick: 1, ticks: quick ? 4 : 60 },
  { title: '16 changes in one tick', changesPerTick: 16, ticks: quick ? 1 : 20 },
]
if (names.length > 0) {
  const result = await measureFanOut({ contenders: names, subscribers, rounds: quick ? 1 : 5, modes })
  console.log(`\nFan-out to ${subscribers} subscribers: server CPU per delivered message\n`)
  console.log(formatFanOut(result, quick ? [] : fanOutBudgets))
}

if (only === undefined || only.includes('latency')) {
  const latency = await measureLatency({ writes: quick ? 10 : 1_000, warmUp: quick ? 2 : 200 })
  console.log('\nFrom one process to the screen of another\n')
  console.log(formatLatency(latency, { isJudged: !quick }))
}
