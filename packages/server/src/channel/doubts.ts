// Which groups are in doubt, and when they are asked about again: a rule that works again shows what it hid, without a change
// of a row and without a reconnect. Holds one timer for all of them. Next: settle-doubt.ts, which asks.
//
//   sure ─rule fails▶ in doubt ─back-off▶ asked ─answers▶ sure
//                        ▲                  └─fails, or takes too long▶ in doubt, with a longer back-off
//                        └──────────────────────┘        any ─nobody is left▶ forgotten
import type { Clock } from '@dnr/protocol'
import { createDoubt, doubtRow } from './doubt.ts'
import { doubtDelayMs } from './doubt-backoff.ts'
import { withTimeout } from '../policy/policy-evaluator.ts'
import type { Group } from './subscription.ts'

export interface Doubts {
  /** Groups in doubt now. */
  readonly count: number
  /** The rule of a group has failed on a row. */
  add(group: Group, id: string): void
  /** Nobody is left in it. */
  forget(group: Group): void
}

export interface DoubtsOptions {
  readonly clock: Clock
  /** From 0 up to, not including, 1; keeps groups whose rules failed together from being asked about together. */
  readonly random: () => number
  /** A group has come into doubt; called before anything else goes out to it. */
  onBegun(group: Group): void
  /** How long a rule may take, which is asked twice: about one member, then about all. */
  readonly policyTimeoutMs: number
  /** Asks about the group. Leaves it without a `doubt` if the rule answered. Never rejects. */
  settle(group: Group): Promise<void>
}

/** Groups that are asked about at once: that many rules can hang until their deadline before the others have to wait. */
const MAX_AT_ONCE = 32
/**
 * How long what a member lacks may be read and sent before its group makes place for others. The member goes on; if the group is in
 * doubt again by then, the member ends when it is asked about the next time, and comes back as anybody does.
 */
const SENDING_MS = 10_000

interface Waiting {
  failures: number
  /** `Infinity` while it is asked about. */
  dueMark: number
}

export function createDoubts({ clock, random, policyTimeoutMs, onBegun, settle }: DoubtsOptions): Doubts {
  const placeMs = 2 * policyTimeoutMs + SENDING_MS
  const waiting = new Map<Group, Waiting>()
  let timer: { readonly mark: number; cancel(): void } | null = null
  let asking = 0

  const dueAfter = (failures: number): number => clock.monotonic() + doubtDelayMs(failures, random)

  const wakeBy = (mark: number): void => {
    if (timer !== null && timer.mark <= mark) return
    timer?.cancel()
    timer = { mark, cancel: clock.setTimeout(wake, Math.max(0, mark - clock.monotonic())) }
  }

  const sleep = (): void => {
    timer?.cancel()
    timer = null
  }

  const wake = (): void => {
    sleep()
    const now = clock.monotonic()
    let next = Number.POSITIVE_INFINITY
    for (const [group, each] of waiting) {
      if (each.dueMark <= now && asking < MAX_AT_ONCE) void ask(group, each)
      else next = Math.min(next, each.dueMark)
    }
    // With as many under way as may be, the first to end wakes the others.
    if (next < Number.POSITIVE_INFINITY && asking < MAX_AT_ONCE) wakeBy(next)
  }

  const ask = async (group: Group, each: Waiting): Promise<void> => {
    each.dueMark = Number.POSITIVE_INFINITY
    asking++
    // Too late is as good as not at all.
    await withTimeout(settle(group), placeMs, clock).catch(() => {})
    asking--
    if (waiting.get(group) === each) {
      if (group.doubt === null) waiting.delete(group)
      else each.dueMark = dueAfter(++each.failures)
    }
    wake()
  }

  return {
    get count() {
      return waiting.size
    },
    add(group, id) {
      if (group.doubt === null) {
        group.doubt = createDoubt()
        onBegun(group)
      }
      doubtRow(group.doubt, id)
      if (waiting.has(group) || group.members.length === 0) return
      const dueMark = dueAfter(0)
      waiting.set(group, { failures: 0, dueMark })
      wakeBy(dueMark)
    },
    forget(group) {
      waiting.delete(group)
      if (waiting.size === 0) sleep()
    },
  }
}
