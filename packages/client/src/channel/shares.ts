import type { Clock } from '@dnr/protocol'

/** One use of something shared. Releasing twice is harmless. */
export interface Use<Value> {
  readonly value: Value
  release(): void
}

/** Things that live as long as somebody uses them, and a little longer: a remount finds them still there. */
export interface Shares {
  /** What stands under `name`, made by `make` for its first user. */
  use<Value>(name: string, make: () => readonly [value: Value, end: () => void]): Use<Value>
  /** Leaves no timer behind. */
  close(): void
}

export function createShares(clock: Clock, lingerMs: number): Shares {
  const shares = new Map<string, { value: unknown; end(): void; uses: number; cancel(): void }>()
  return {
    use<Value>(name: string, make: () => readonly [Value, () => void]) {
      let share = shares.get(name)
      if (!share) {
        const [value, end] = make()
        shares.set(name, (share = { value, end, uses: 0, cancel() {} }))
      }
      const own = share
      own.cancel()
      own.uses++
      let isHeld = true
      return {
        value: own.value as Value,
        release() {
          if (isHeld && --own.uses === 0 && shares.has(name)) {
            own.cancel = clock.setTimeout(() => {
              shares.delete(name)
              own.end()
            }, lingerMs)
          }
          isHeld = false
        },
      }
    },
    close() {
      shares.forEach(({ cancel }) => cancel())
      shares.clear()
    },
  }
}
