/** Runs tasks of one key one after the other; a task whose key is idle begins at once. */
export interface InTurn {
  run(key: string, task: () => void | Promise<void>): void | Promise<void>
}

/**
 * A join waits for its permission. What the same connection sends meanwhile about the same resource must not overtake
 * it: a leave would find nothing to leave, and the join would then stay for ever.
 */
export function createInTurn(): InTurn {
  const lastByKey = new Map<string, Promise<void>>()
  return {
    run(key, task) {
      const before = lastByKey.get(key)
      const result = before === undefined ? task() : before.then(task)
      if (!(result instanceof Promise)) return
      const settled = async (): Promise<void> => {
        await result.catch(() => {}) // told to who waits for `result`; the next task is not concerned
        if (lastByKey.get(key) === last) lastByKey.delete(key)
      }
      const last = settled()
      lastByKey.set(key, last)
      return result
    },
  }
}
