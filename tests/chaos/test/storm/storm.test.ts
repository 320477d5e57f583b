import { expect, test } from 'vitest'
import { type Tamper, textOf } from '../../src/proxy/frame-cutter.ts'
import { formatStorm } from '../../src/storm/report.ts'
import { runStorm } from '../../src/storm/storm.ts'

const PATIENCE = { timeout: 240_000 }

// CHAOS_SEED=N repeats a run as far as processes let themselves be repeated.
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1_000_000))

test(
  '20 kills, broken connections of every kind: nothing lost, doubled or out of order',
  PATIENCE,
  async () => {
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
  },
)

/**
 * Does something to one event on its way to the subscriber who sees every row, and answers whether there was one. Of a
 * row that nobody deletes: nothing of it may be left out, whatever becomes of it.
 */
function once(replace: (frame: Buffer) => readonly Buffer[]): Tamper & { readonly isDone: () => boolean } {
  let events = 0
  const tamper: Tamper = (frame) => {
    const isEvent =
      /"type":"entity:updated","channel":"entity:Task","subscription":"raw admin","payload":\{"id":"shared-/.test(
        textOf(frame),
      )
    return isEvent && ++events === 3 ? replace(frame) : [frame]
  }
  return Object.assign(tamper, { isDone: () => events >= 3 })
}

// Connections that hold, or a resume would heal what was done.
test.each([
  { bug: 'loses one frame', word: /raw subscriber.*lost:/, tamper: once(() => []) },
  { bug: 'doubles one frame', word: /raw subscriber.*doubled:/, tamper: once((frame) => [frame, frame]) },
])('a network that $bug in the middle of a stream is found out', PATIENCE, async ({ word, tamper }) => {
  const { violations } = await runStorm({ seed, kills: 0, lastWrites: 100, isCalm: true, tamper })
  expect(tamper.isDone()).toBe(true)
  expect(violations.join('\n')).toMatch(word)
})
