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

function runOf(frames: readonly Frame[], byteLength: number): FrameRun {
  return { frames, byteLength, wire: undefined }
}
