// When sessions end: asks each client for a new token in time, and ends what was not renewed. Holds the moments; what is
// sent and closed is connection-life.ts's.
//
//   began ──────────── asked, in the middle third of what is left ── asked again ── … ── end
//                      └ at most twice, at least once leadMs before the end
import type { Clock } from '@dnr/protocol'
import { createAgenda } from './agenda.ts'
import { type Connection, principalOf } from './connection.ts'

export interface SessionEnds {
  /** Looks after the session that the connection has now, if it ends; forgets the one it had. */
  watch(connection: Connection): void
  /** Harmless when it is not watched. */
  forget(connection: Connection): void
  /** Ends what is over by now, also when the wall clock was set forward. */
  look(): void
  stop(): void
}

export interface SessionEndsOptions {
  readonly clock: Clock
  readonly random: () => number
  /** 0: nobody is asked. */
  readonly leadMs: number
  ask(connection: Connection, expiresAt: number): void
  end(connection: Connection): void
}

/** In the last second no answer would come in time. */
const LAST_MS = 1_000

export function createSessionEnds({ clock, random, leadMs, ask, end }: SessionEndsOptions): SessionEnds {
  const agenda = createAgenda<Connection>(clock, (connection) => {
    const expiresAt = principalOf(connection)?.expiresAt
    if (expiresAt === undefined) return
    if (expiresAt <= clock.now()) return end(connection)
    ask(connection, expiresAt)
    plan(connection, expiresAt)
  })
  const plan = (connection: Connection, expiresAt: number): void =>
    agenda.set(connection, nextMoment(expiresAt, clock.now(), leadMs, random()))

  return {
    watch(connection) {
      const expiresAt = principalOf(connection)?.expiresAt
      if (expiresAt === undefined) agenda.delete(connection)
      else plan(connection, expiresAt)
    },
    forget: (connection) => agenda.delete(connection),
    look: () => agenda.look(),
    stop: () => agenda.stop(),
  }
}

/** When the client is to be asked next, or, when there is no time left for it, the end. `jitter` is from 0 up to 1. */
export function nextMoment(expiresAt: number, now: number, leadMs: number, jitter: number): number {
  const leftMs = expiresAt - now
  if (leadMs === 0 || leftMs <= LAST_MS) return expiresAt
  return Math.max(now, expiresAt - Math.min(leadMs, leftMs / 3) * (1 + jitter))
}
