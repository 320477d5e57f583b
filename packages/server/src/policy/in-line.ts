// Rules answer when they like, and what waits for them must not overtake what was asked before it: it stands in a line. Holds the lines in
// which somebody stands.
import { DnrError } from '@dnr/protocol'

/**
 * Does work in the line of a key: who comes later waits for it, if it takes time. `before` resolves when whatever stands there now is
 * over, whatever comes of it, and is `null` when nobody does; the work itself waits for that where it has to.
 *
 * @throws DnrError `busy` when too many wait.
 */
export type InLine = <Result>(key: string, work: (before: Promise<void> | null) => Result) => Result

interface Line {
  /** All that stand in it are over. */
  isOver: Promise<void>
  length: number
}

/** Of one line: what holds the first up must not make it grow for ever. */
const MAX_LENGTH = 256
const BUSY_RETRY_MS = 1_000

export function createLines(): InLine {
  const lineByKey = new Map<string, Line>()

  const join = (key: string, work: Promise<unknown>): void => {
    const line = lineByKey.get(key) ?? { isOver: Promise.resolve(), length: 0 }
    const before = line.isOver
    const leave = (): Promise<void> => {
      if (--line.length === 0) lineByKey.delete(key)
      return before
    }
    line.length++
    line.isOver = work.then(leave, leave)
    lineByKey.set(key, line)
  }

  return (key, work) => {
    const line = lineByKey.get(key)
    if (line !== undefined && line.length >= MAX_LENGTH) throw tooManyWait()
    const result = work(line?.isOver ?? null)
    if (result instanceof Promise) join(key, result)
    return result
  }
}

function tooManyWait(): DnrError {
  const message = `${MAX_LENGTH} requests wait for the same already: try again later.`
  return new DnrError('busy', message, { retryable: true, retryAfterMs: BUSY_RETRY_MS })
}
