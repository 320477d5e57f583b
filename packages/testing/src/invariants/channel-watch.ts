// What one connection is told on channels without rows: nothing but what its principal may hear at this moment. Holds
// nothing; what is said carries markers, and whose they are the leak checker knows.
import { type Audiences, isWithoutRows } from './audiences.ts'
import type { LeakChecker } from './leak-checker.ts'

/** A frame in either direction, as far as it is looked at. */
export interface ChannelFrame {
  readonly type: string
  readonly channel?: unknown
  readonly payload?: unknown
}

export interface ChannelWatch {
  /** The client has said something: its markers stand where it said them. */
  received(frame: ChannelFrame): void
  /** What is wrong with a frame that is sent; `null`: nothing. */
  sent(frame: ChannelFrame): string | null
}

const SAYS = /^(message|presence:join|presence:update)$/
/** Frames that tell of a channel; an `error` and an `unsubscribed` say that it is not heard. */
const TELLS = /^(subscribed|message|presence:(join|update|leave|sync))$/

export function createChannelWatch(
  principal: string,
  audiences: Audiences,
  leaks: LeakChecker | null,
): ChannelWatch {
  return {
    received({ type, channel, payload }) {
      if (!isWithoutRows(channel) || !SAYS.test(type)) return
      leaks?.said(channel, JSON.stringify(payload ?? null), principal)
    },
    sent({ type, channel, payload }) {
      if (!isWithoutRows(channel) || !TELLS.test(type)) return null
      if (!audiences.hears(principal, channel) && !isOwnLeave(type, payload, principal))
        return `${type} of a channel that may not be heard at this moment`
      const intruder = leaks?.findIntruder(channel, JSON.stringify(payload ?? null)) ?? null
      return intruder && `${intruder} was said by somebody who might not speak here`
    },
  }
}

/** Whoever leaves is answered by what was to be seen of themselves. */
function isOwnLeave(type: string, payload: unknown, principal: string): boolean {
  return type === 'presence:leave' && idsOf(payload).every((id) => id === principal)
}

/** The users in a presence frame. */
export function idsOf(payload: unknown): readonly string[] {
  const { users = [] } = payload as { readonly users?: readonly { readonly id: string }[] }
  return users.map(({ id }) => id)
}
