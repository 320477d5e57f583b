import type { MemoryStore } from './memory-store.ts'

/** Stops the next reading at a place; `reached` resolves when somebody stands there. */
export function gate(memory: MemoryStore, place: string): { reached: Promise<void>; open(): void } {
  let open = (): void => {}
  const reached = new Promise<void>((arrived) => {
    memory.gate = (what) => {
      if (what !== place) return undefined
      memory.gate = null
      arrived()
      return new Promise<void>((resolve) => (open = resolve))
    }
  })
  return { reached, open: () => open() }
}
