import type { PresenceChannel, ServerMessage } from '@dnr/protocol'

/**
 * What presence needs of a client. `RealtimeClient` of `@dnr/client` fits.
 *
 * `status` says `live` each time the server has confirmed the subscription (also after a reconnect, and at once to who
 * joins one that is), anything else while it is not; `failed` when it was refused. `message` gets every frame of the channel
 * that is no change of a row, and who joins a live one the people who are there as a `presence:sync`. `send` never throws: false when it could not be sent.
 */
export interface PresenceTransport {
  subscribe(
    channel: PresenceChannel,
    listener: { message?(message: ServerMessage): void; status?(status: string): void },
  ): { unsubscribe(): void }
  send(message: {
    type: string
    channel?: string
    payload?: unknown
    requestId?: string | undefined
  }): boolean
}

/** The part of `document` that tells whether the page is looked at. */
export interface VisibilitySource {
  readonly hidden: boolean
  addEventListener(type: 'visibilitychange', listener: () => void): void
  removeEventListener(type: 'visibilitychange', listener: () => void): void
}
