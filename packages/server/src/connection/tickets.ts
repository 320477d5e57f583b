// Tokens for who must put something into a URL, where proxies and histories keep it: good once, and not for long.
import { systemClock } from '@dnr/internal'
import { type Clock, DnrError, type Principal } from '@dnr/protocol'
import { nanoid } from 'nanoid'
import { checkNumber } from '../limits/limits.ts'

export interface TicketOptions {
  /** How long a ticket is good, milliseconds. @default 30_000 */
  readonly ttlMs?: number
  /** Tickets that wait to be used, of everybody together; one more is refused with `busy`. @default 100_000 */
  readonly maxTickets?: number
  /** Of one user; one more is refused with `rate_limited`. @default 100 */
  readonly maxTicketsPerUser?: number
  /** @default the system's */
  readonly clock?: Pick<Clock, 'monotonic'>
  /** Makes tickets that nobody guesses: 128 random bits or more, letters that a URL may have. @default nanoid, 192 bits */
  readonly newTicket?: () => string
}

/** Tickets that stand for a principal. Kept in memory: they are redeemed by the process that issued them. */
export interface Tickets<P extends Principal> {
  /** A ticket for somebody who has signed in. @throws DnrError `rate_limited` or `busy`, with `retryAfterMs` */
  issue(principal: P): string
  /** Who the ticket is for, once; `null` for one that is used, too old, or none. */
  redeem(ticket: string | null): P | null
  /** Makes a user's tickets worthless: to be called with `disconnectUser`. */
  revoke(userId: string): void
  /** Tickets that wait to be used. */
  readonly count: number
}

interface Issued<P> {
  readonly principal: P
  readonly endMark: number
}

/**
 * Makes a box office. A session begun with a ticket ends when its principal says (`expiresAt`); a ticket outlives none.
 *
 * @throws DnrError `bad_option` naming option, value and range.
 * @example
 * const tickets = createTickets<User>()
 * const authenticate = ({ token }) => tickets.redeem(token) ?? verify(token)
 */
export function createTickets<P extends Principal>(options: TicketOptions = {}): Tickets<P> {
  const { clock = systemClock, newTicket = () => nanoid(32) } = options
  const ttlMs = checkNumber('ttlMs', options.ttlMs ?? 30_000, { min: 1, max: 3_600_000 })
  const maxTickets = checkNumber('maxTickets', options.maxTickets ?? 100_000, { min: 1 })
  const maxPerUser = checkNumber('maxTicketsPerUser', options.maxTicketsPerUser ?? 100, { min: 1 })
  // All live equally long, so that a Map's order is that of their ends. A lookup by 128 random bits tells by its time nothing
  // that helps to guess them.
  const issuedByTicket = new Map<string, Issued<P>>()
  const countByUser = new Map<string, number>()

  const forget = (ticket: string, { principal }: Issued<P>): void => {
    issuedByTicket.delete(ticket)
    const left = (countByUser.get(principal.id) ?? 1) - 1
    if (left === 0) countByUser.delete(principal.id)
    else countByUser.set(principal.id, left)
  }
  const forgetEnded = (): void => {
    const now = clock.monotonic()
    for (const [ticket, issued] of issuedByTicket) {
      if (issued.endMark > now) return
      forget(ticket, issued)
    }
  }
  const checkRoom = (userId: string): void => {
    const later = { retryable: true, retryAfterMs: ttlMs }
    if ((countByUser.get(userId) ?? 0) >= maxPerUser)
      throw new DnrError(
        'rate_limited',
        `A user has at most ${maxPerUser} tickets that wait to be used.`,
        later,
      )
    if (issuedByTicket.size >= maxTickets)
      throw new DnrError('busy', `At most ${maxTickets} tickets wait to be used.`, later)
  }

  return {
    issue(principal) {
      forgetEnded()
      checkRoom(principal.id)
      const ticket = newTicket()
      issuedByTicket.set(ticket, { principal, endMark: clock.monotonic() + ttlMs })
      countByUser.set(principal.id, (countByUser.get(principal.id) ?? 0) + 1)
      return ticket
    },
    redeem(ticket) {
      forgetEnded()
      const issued = ticket === null ? undefined : issuedByTicket.get(ticket)
      if (ticket === null || issued === undefined) return null
      forget(ticket, issued)
      return issued.principal
    },
    revoke(userId) {
      for (const [ticket, issued] of issuedByTicket)
        if (issued.principal.id === userId) forget(ticket, issued)
    },
    get count() {
      forgetEnded()
      return issuedByTicket.size
    },
  }
}
