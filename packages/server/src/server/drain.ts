// Going away without a storm: nobody new, each client a moment of its own to come back, then the end.
import { CLOSE_CODES, type Clock } from '@dnr/protocol'
import { encodeMessage } from '../connection/frame.ts'
import { type Connection, isLive } from '../connection/connection.ts'
import type { Connections } from '../connection/web-socket-manager.ts'

export interface DrainOptions {
  /** How long clients may take to leave by themselves; then they are closed with 4503. @default 5_000 */
  readonly timeoutMs?: number
  /** Clients are asked to come back spread over this time. @default 5_000 */
  readonly spreadMs?: number
}

const POLL_MS = 50

/** Refuses newcomers, sends `reconnect` with a delay of its own to each client, waits, closes. Resolves when all are gone. */
export async function drainConnections(
  connections: Connections,
  clock: Clock,
  random: () => number,
  options: DrainOptions = {},
): Promise<void> {
  const { timeoutMs = 5_000, spreadMs = 5_000 } = options
  const ask = (connection: Connection, delayMs: number): void =>
    connections.send(connection, encodeMessage({ type: 'reconnect', payload: { delayMs } }, clock.now()))
  connections.beginDraining((connection) => ask(connection, Math.floor(random() * spreadMs)))
  const live = [...connections.all()].filter(isLive)
  for (const [index, connection] of live.entries()) {
    // A slot each, and chance within it: evenly spread whatever the number.
    ask(connection, Math.floor(((index + random()) * spreadMs) / live.length))
  }
  await waitUntilGone(connections, clock, timeoutMs)
  connections.closeAll(CLOSE_CODES.draining, 'draining')
  await waitUntilGone(connections, clock, CLOSE_GRACE_MS)
}

/** A peer that does not answer the close is terminated after one second. */
const CLOSE_GRACE_MS = 2_000

/** Resolves when no connection is left, or after `timeoutMs`. */
export async function waitUntilGone(
  connections: Connections,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const endMark = clock.monotonic() + timeoutMs
  while (connections.connectionCount > 0 && clock.monotonic() < endMark) {
    await new Promise<void>((resolve) =>
      clock.setTimeout(resolve, Math.min(POLL_MS, Math.max(1, endMark - clock.monotonic()))),
    )
  }
}
