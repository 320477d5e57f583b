import type { Frame } from '../ports/server-socket.ts'

/** A frame of finished text. All frames have one shape, so that a transport's `wire` costs no new one. */
export function frameOf(text: string): Frame {
  return { text, byteLength: Buffer.byteLength(text), wire: undefined }
}

/** What the server says, in the order in which the fields travel. */
export interface OutgoingMessage {
  readonly type: string
  readonly channel?: string | undefined
  readonly subscription?: string | undefined
  readonly payload?: unknown
  readonly requestId?: string | undefined
  readonly position?: { readonly epoch: string; readonly offset: number } | undefined
}

/** A subscription is over. Unasked, without a `requestId`, it has to begin anew: the client asks again, from where it is. */
export function unsubscribedFrame(
  ended: Pick<OutgoingMessage, 'channel' | 'subscription' | 'requestId'>,
  now: number,
): Frame {
  return encodeMessage({ type: 'unsubscribed', ...ended }, now)
}

/** A message as a frame, stamped with the server's time. */
export function encodeMessage(message: OutgoingMessage, now: number): Frame {
  const { type, channel, subscription, payload, requestId, position, ...others } = message
  return frameOf(
    JSON.stringify({ type, channel, subscription, payload, requestId, position, ...others, timestamp: now }),
  )
}
