import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inRuns } from '../../src/channel/frame-runs.ts'
import { frameOf } from '../../src/connection/frame.ts'
import { prepareFrame, prepareRun } from '../../src/transport/prepare-frame.ts'

const text = fc.integer({ min: 0, max: 70_000 }).map((length) => 'é'.repeat(length))
const frames = fc.array(fc.oneof(fc.string(), text), { maxLength: 12 }).map((texts) => texts.map(frameOf))

test('runs hold all frames in order, none is too long that could be shorter, and the bytes are those of the frames', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 200_000 }), (list, maxBytes) => {
      const runs = inRuns(list, maxBytes)
      expect(runs.flatMap((run) => run.frames)).toEqual(list)
      for (const run of runs) {
        expect(run.byteLength).toBe(run.frames.reduce((sum, { byteLength }) => sum + byteLength, 0))
        expect(run.frames.length === 1 || run.byteLength <= maxBytes).toBe(true)
        expect(prepareRun(run).equals(Buffer.concat(run.frames.map(prepareFrame)))).toBe(true)
        expect(prepareRun(run)).toBe(prepareRun(run))
      }
    }),
    { numRuns: 60 },
  )
})
