import type { Frame, FrameRun } from '../ports/server-socket.ts'

/** Frames in order as runs of at most `maxBytes`; a frame that is longer is a run of its own. */
export function inRuns(frames: readonly Frame[], maxBytes: number): FrameRun[] {
  const runs: FrameRun[] = []
  let from = 0
  let byteLength = 0
  for (const [index, frame] of frames.entries()) {
    if (index > from && byteLength + frame.byteLength > maxBytes) {
      runs.push(runOf(frames.slice(from, index), byteLength))
      from = index
      byteLength = 0
    }
    byteLength += frame.byteLength
  }
  if (from < frames.length) runs.push(runOf(frames.slice(from), byteLength))
  return runs
}

/** The same frames without the first `count`; a run that is cut takes its bytes from the whole one. */
export function withoutFirst(runs: readonly FrameRun[], count: number): readonly FrameRun[] {
  let skipped = count
  for (const [index, run] of runs.entries()) {
    if (skipped === 0) return runs.slice(index)
    if (skipped < run.frames.length) return [endOf(run, skipped), ...runs.slice(index + 1)]
    skipped -= run.frames.length
  }
  return []
}

function endOf(whole: FrameRun, skipped: number): FrameRun {
  const frames = whole.frames.slice(skipped)
  const byteLength = frames.reduce((bytes, frame) => bytes + frame.byteLength, 0)
  return { frames, byteLength, endOf: whole, wire: undefined }
}

function runOf(frames: readonly Frame[], byteLength: number): FrameRun {
  return { frames, byteLength, wire: undefined }
}
