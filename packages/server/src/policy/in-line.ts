// Who waits for whom: what must not overtake each other stands in a line. Holds the lines in which somebody stands.
import { DnrError } from '@dnr/protocol'

export interface Lines {
  /**
   * Resolves when whatever stands in the line now is over, whatever comes of it; `null`: nobody does.
   *
   * @throws DnrError `busy` when too many do.
   */
  end(key: string): Promise<void> | null
  /** Takes the place at the end: who comes from now on waits for it, too. It waits by itself for what was there before. */
  join(key: string, work: Promise<unknown>): void
}

interface Line {
  /** All that stand in it are over. */
  isOver: Promise<void>
  length: number
}

/** Of one line: what holds the first up must not make it grow for ever. */
const MAX_LENGTH = 256
const BUSY_RETRY_MS = 1_000

export function createLines(): Lines {
  const lineByKey = new Map<string, Line>()
  return {
    end(key) {
      const line = lineByKey.get(key)
      if (line === undefined) return null
      if (line.length >= MAX_LENGTH) throw tooManyWait()
      return line.isOver
    },
    join(key, work) {
      const line = lineByKey.get(key) ?? { isOver: Promise.resolve(), length: 0 }
      const before = line.isOver
      const leave = (): Promise<void> => {
        if (--line.length === 0) lineByKey.delete(key)
        return before
      }
      line.length++
      line.isOver = work.then(leave, leave)
      lineByKey.set(key, line)
    },
  }
}

function tooManyWait(): DnrError {
  const message = `${MAX_LENGTH} requests wait for the same already: try again later.`
  return new DnrError('busy', message, { retryable: true, retryAfterMs: BUSY_RETRY_MS })
}
