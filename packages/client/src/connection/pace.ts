import type { Clock } from '@dnr/protocol'

/** As the server says them; `null`: no limit. */
interface Limits {
  readonly maxMessagesPerSecond?: number | null | undefined
  readonly maxMessageBurst?: number | null | undefined
}

/** Keeps what is sent below the rate that the server announced: what is too much waits its turn, in order. */
export interface Pace {
  /** A connection begins: nothing waits. Without a rate nothing ever will. */
  begin(limits?: Limits): void
  /** Calls `send` now or when its turn comes. What is `urgent` does not wait, but counts. */
  pass(send: () => void, urgent: boolean): void
  /** The server's count says that nothing is left. */
  exhaust(): void
}

/** The share of the allowance that is used: frames that the network delays and then delivers together stay within it, too. */
const BURST_SHARE = 0.9
const RATE_SHARE = 0.95

export function createPace(clock: Clock, guard: (call: () => void) => void): Pace {
  let burst = Infinity
  let perMs = 0
  let tokens = burst
  let filledMark = 0
  let waiting: (() => void)[] = []
  let cancel = (): void => {}

  function run(): void {
    const now = clock.monotonic()
    tokens = Math.min(burst, tokens + (now - filledMark) * perMs)
    filledMark = now
    for (; waiting.length && tokens >= 1; tokens--) guard(waiting.shift() as () => void)
    cancel()
    if (waiting.length) cancel = clock.setTimeout(run, Math.ceil((1 - tokens) / perMs))
  }

  return {
    begin({ maxMessagesPerSecond, maxMessageBurst }: Limits = {}) {
      cancel()
      waiting = []
      burst = tokens =
        maxMessagesPerSecond && maxMessageBurst ? Math.max(1, maxMessageBurst * BURST_SHARE) : Infinity
      // Without a limit it is no number, and counts as 0.
      perMs = ((maxMessagesPerSecond as number) * RATE_SHARE) / 1_000 || 0
    },
    pass(send, urgent) {
      if (urgent) {
        tokens--
        return send()
      }
      waiting.push(send)
      run()
    },
    exhaust() {
      filledMark = clock.monotonic()
      if (burst < Infinity) tokens = Math.min(tokens, 0)
    },
  }
}
