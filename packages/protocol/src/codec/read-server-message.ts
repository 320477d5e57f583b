import type { ServerMessage } from '../messages/server-message.ts'
import { type Parsed, err, ok } from '../parsed.ts'
import { type Codec, jsonCodec } from './codec.ts'

/**
 * A server's frame as a message, without a schema library: the envelope is checked, the typed payload is trusted.
 *
 * Unknown types come through; a client ignores what it does not know. Never throws.
 */
export function readServerMessage(frame: string, codec: Codec = jsonCodec): Parsed<ServerMessage> {
  const decoded = codec.decode(frame)
  if (!decoded.ok) return decoded
  const { value } = decoded
  if (typeof value !== 'object' || value === null || typeof (value as { type?: unknown }).type !== 'string') {
    return err('bad_message', 'The server sent a frame that is no message.')
  }
  const { payload, channel } = value as { payload?: unknown; channel?: unknown }
  if (channel !== undefined && typeof channel !== 'string')
    return err('bad_message', 'The channel of a message is text.')
  const bare = !NEEDS_PAYLOAD.test((value as { type: string }).type)
  if (!bare && (typeof payload !== 'object' || payload === null))
    return err('bad_message', 'The message has no payload.')
  return ok(value as ServerMessage)
}

const NEEDS_PAYLOAD = /^(entity:|presence:|subscribed|snapshot|connected|auth|mutated|reconnect|error)/
