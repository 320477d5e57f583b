import { DnrError } from '@dnr/protocol'

type Task = () => void | Promise<void>

/** Runs tasks of one key one after the other; a task whose key is idle begins at once. */
export interface InTurn {
  /** @throws DnrError `busy`, when too many wait already. */
  run(key: string, task: Task): void | Promise<void>
  /** May one more wait? */
  hasRoom(key: string): boolean
  /** Those that wait are not run: they reject with `cancelled`. Nobody waits any more for the one that is under way. */
  cancel(key: string): void
}

interface Waiting {
  readonly task: Task
  resolve(): void
  reject(error: unknown): void
}

/** Tasks of one key that may wait: a rule that fails may keep them for a minute. */
const MAX_WAITING = 16
const BUSY_RETRY_MS = 1_000

/**
 * A join waits for its permission. What the same connection sends meanwhile about the same resource must not overtake
 * it: a leave would find nothing to leave, and the join would then stay for ever.
 */
export function createInTurn(): InTurn {
  const linesByKey = new Map<string, Waiting[]>() // of the keys that have a task under way

  const hasRoom = (key: string): boolean => (linesByKey.get(key)?.length ?? 0) < MAX_WAITING

  const work = async (key: string, line: Waiting[], first: Promise<void>): Promise<void> => {
    await first.catch(() => {}) // told to who waits for `first`; the next task is not concerned
    for (let next = line.shift(); next !== undefined; next = line.shift()) {
      try {
        await next.task()
        next.resolve()
      } catch (error) {
        next.reject(error)
      }
    }
    if (linesByKey.get(key) === line) linesByKey.delete(key)
  }

  return {
    hasRoom,
    run(key, task) {
      const line = linesByKey.get(key)
      if (line === undefined) {
        const result = task()
        if (!(result instanceof Promise)) return
        const begun: Waiting[] = []
        linesByKey.set(key, begun)
        void work(key, begun, result)
        return result
      }
      if (!hasRoom(key)) throw tooManyWait()
      return new Promise((resolve, reject) => line.push({ task, resolve, reject }))
    },
    cancel(key) {
      const line = linesByKey.get(key)
      linesByKey.delete(key)
      const error = new DnrError('cancelled', 'A later presence:leave came first.')
      for (const { reject } of line?.splice(0) ?? []) reject(error)
    },
  }
}

function tooManyWait(): DnrError {
  const message = 'Too much is waiting for the answer whether you may be here: try again later.'
  return new DnrError('busy', message, { retryable: true, retryAfterMs: BUSY_RETRY_MS })
}
