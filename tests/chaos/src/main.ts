// `pnpm test:chaos --minutes 10 --seed N`: storms one after the other, each from a seed of its own, until the time is over.
import { parseArgs } from 'node:util'
import { formatStorm } from './storm/report.ts'
import { runStorm } from './storm/storm.ts'

const KILLS = 20
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed)) {
  console.error('usage: pnpm test:chaos [--minutes N] [--seed N]')
  process.exit(2)
}

const endMark = performance.now() + minutes * 60_000
let seed = firstSeed
let failures = 0
do {
  const result = await runStorm({ seed, kills: KILLS })
  console.log(formatStorm(seed, result))
  if (result.violations.length > 0) {
    failures++
    console.error(`  once more: pnpm test:chaos --seed ${seed}`)
  }
  seed++
} while (performance.now() < endMark)
console.log(`${seed - firstSeed} storms, ${failures} with violations`)
process.exit(failures === 0 ? 0 : 1)
