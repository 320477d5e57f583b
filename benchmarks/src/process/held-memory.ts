import { setTimeout as sleep } from 'node:timers/promises'

/** What a process holds once the garbage is gone. */
export interface HeldMemory {
  /** On the engine's heap, and in buffers outside of it. */
  readonly heapBytes: number
  /** Of the machine's memory: with what the system's own libraries hold, and what the engine keeps free for later. */
  readonly residentBytes: number
}

/** What opening a connection leaves behind is let go within this time. */
const SETTLE_MS = 1_000

/** Answers `held` of the parent, in a process that was started with `--expose-gc`. */
export function heldMemoryHandlers(): Record<string, () => Promise<HeldMemory>> {
  return {
    held: async () => {
      const { gc } = globalThis
      if (gc === undefined) throw new Error('--expose-gc is missing')
      await sleep(SETTLE_MS)
      gc()
      await sleep(0)
      gc()
      const { heapUsed, external, rss } = process.memoryUsage()
      return { heapBytes: heapUsed + external, residentBytes: rss }
    },
  }
}
