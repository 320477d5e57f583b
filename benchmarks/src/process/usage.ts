/** What a process has used; memory is the highest since the last time it was asked. */
export interface Usage {
  readonly cpuMicros: number
  readonly peakBytes: number
}

const SAMPLE_MS = 20

/** Answers `usage` of the parent. */
export function usageHandlers(): Record<string, () => Usage> {
  let peakBytes = 0
  const sample = (): void => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
  }
  setInterval(sample, SAMPLE_MS).unref()
  return {
    usage: () => {
      sample()
      const peak = peakBytes
      peakBytes = 0
      const { user, system } = process.cpuUsage()
      return { cpuMicros: user + system, peakBytes: peak }
    },
  }
}
