import { expect, test } from 'vitest'
import { type Tamper, textOf } from '../../src/proxy/frame-cutter.ts'
import { formatStorm } from '../../src/storm/report.ts'
import { runStorm } from '../../src/storm/storm.ts'

const PATIENCE = { timeout: 240_000 }

// CHAOS_SEED=N repeats a run as far as processes let themselves be repeated.
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1_000_000))

test('20 kills, broken connections of every kind: nothing lost, doubled or out of order', PATIENCE, async () => {
  const result = await runStorm({ seed, kills: 20 })
  const report = formatStorm(seed, result)
  console.log(report)
  expect(result.violations, report).toEqual([])
  const { faults, ...counts } = result.counts
  // A storm in which nothing happened shows nothing.
  for (const [kind, count] of Object.entries({ ...counts, ...faults })) {
    const mayBeZero = kind === 'liveAfterMs' || kind === 'currentAfterMs' || kind === 'refuse'
    expect(count, kind).toBeGreaterThan(mayBeZero ? -1 : 0)
  }
})

/** Does something to one event in the middle of the stream, and answers whether it has come to it. */
function once(replace: (frame: Buffer, next: Buffer) => readonly Buffer[]): Tamper & { readonly isDone: () => boolean } {
  let events = 0
  let held: Buffer | null = null
  let isDone = false
  const tamper: Tamper = (frame) => {
    if (held !== null) {
      const first = held
      held = null
      isDone = true
      return replace(first, frame)
    }
    const isEvent = /"type":"entity:\w+","channel":"entity:Task","subscription":"raw"/.test(textOf(frame))
    if (isDone || !isEvent || ++events !== 40) return [frame]
    held = frame
    return []
  }
  return Object.assign(tamper, { isDone: () => isDone })
}

test.each([
  { bug: 'loses one frame', word: /lost:/, tamper: once((_, next) => [next]) },
  { bug: 'doubles one frame', word: /doubled:/, tamper: once((frame, next) => [frame, frame, next]) },
])('a network that $bug in the middle of a stream is found out', PATIENCE, async ({ word, tamper }) => {
  const { violations } = await runStorm({ seed, kills: 1, tamper })
  expect(tamper.isDone()).toBe(true)
  expect(violations.join('\n')).toMatch(word)
})
