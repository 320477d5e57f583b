import { parseChannel } from '../channel-name.ts'
import { type ClientMessage, clientMessageSchema } from '../messages/client-message.ts'
import { explainWhere } from '../messages/query.ts'
import { type Parsed, err, ok } from '../parsed.ts'
import { type Codec, jsonCodec } from './codec.ts'

/** A refused frame, with as much of the request as could be read, so that the answer finds its way. */
export interface RefusedFrame {
  readonly ok: false
  readonly code: Extract<Parsed<never>, { ok: false }>['code']
  readonly message: string
  readonly requestId?: string
  readonly channel?: string
  readonly subscription?: string
}

const TYPES: ReadonlySet<string> = new Set(
  clientMessageSchema.options.map((option) => option.shape.type.value),
)

/**
 * A client's text frame as a message, or why it is none. Never throws, whatever the frame holds.
 *
 * `bad_json`: not JSON. `bad_message`: not an object, or a field of the wrong type. `bad_query`: a condition that is none. `unknown_type`: a type that clients
 * do not send. `bad_channel`: missing or malformed channel. Unknown envelope and payload fields are ignored.
 *
 * `extraTypes` are message types that the application handles itself; of those only the envelope is checked.
 */
export function parseClientMessage(
  frame: string,
  codec: Codec = jsonCodec,
  extraTypes: ReadonlySet<string> = new Set(),
): { readonly ok: true; readonly value: ClientMessage } | RefusedFrame {
  const decoded = codec.decode(frame)
  if (!decoded.ok) return { ...decoded, ...addressWithin(frame) }
  if (typeof decoded.value !== 'object' || decoded.value === null || Array.isArray(decoded.value)) {
    return err('bad_message', 'A message is a JSON object such as {"type":"ping"}.')
  }
  const raw = decoded.value as { type?: unknown; requestId?: unknown; channel?: unknown }
  if (typeof raw.type !== 'string') {
    return { ok: false, code: 'bad_message', message: 'A message needs a type, as text.', ...addressOf(raw) }
  }
  if (extraTypes.has(raw.type)) return checkExtra(raw, addressOf(raw))
  if (!TYPES.has(raw.type)) {
    return {
      ok: false,
      code: 'unknown_type',
      message: `A client cannot send this type. It sends: ${[...TYPES].join(', ')}.`,
      ...addressOf(raw),
    }
  }
  const channel = checkChannel(raw)
  if (channel !== null) return { ...channel, ...addressOf(raw) }
  const parsed = clientMessageSchema.safeParse(raw)
  if (parsed.success) return ok(parsed.data)
  const issue = parsed.error.issues[0]
  if (issue?.path[0] === 'payload' && issue.path[1] === 'query') {
    const { query } = (raw as { payload: { query?: { where?: unknown } | null } }).payload
    return { ok: false, code: 'bad_query', message: explainWhere(query?.where), ...addressOf(raw) }
  }
  const message = `${issue?.path.join('.') ?? 'message'}: ${issue?.message ?? 'invalid'}`
  return { ok: false, code: 'bad_message', message: message.slice(0, MAX_SENTENCE_LENGTH), ...addressOf(raw) }
}

// Names in a complaint are the sender's own: a frame of 64 KiB is not answered with its echo.
const MAX_SENTENCE_LENGTH = 300

type Address = Pick<RefusedFrame, 'requestId' | 'channel' | 'subscription'>

/** Who sent a frame that the codec refused, if that can be read: three texts are taken of it, and nothing is merged. */
function addressWithin(frame: string): Address {
  try {
    const raw: unknown = JSON.parse(frame)
    return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? addressOf(raw) : {}
  } catch {
    return {} // no JSON, or too deep even for that
  }
}

function checkExtra(
  raw: { type?: unknown; requestId?: unknown; channel?: unknown },
  address: Address,
): { readonly ok: true; readonly value: ClientMessage } | RefusedFrame {
  if (raw.channel !== undefined && address.channel === undefined) {
    return {
      ok: false,
      code: 'bad_channel',
      message: 'The channel of this message is malformed.',
      ...address,
    }
  }
  const { requestId: _unchecked, ...message } = raw
  const { subscription: _key, ...envelope } = address
  return ok({ ...message, ...envelope } as ClientMessage)
}

const CHANNEL_LESS: ReadonlySet<string> = new Set(['ping', 'auth', 'mutate'])

function checkChannel(raw: {
  type?: unknown
  channel?: unknown
}): { ok: false; code: 'bad_channel'; message: string } | null {
  if (CHANNEL_LESS.has(raw.type as string)) return null
  if (typeof raw.channel !== 'string') {
    return {
      ok: false,
      code: 'bad_channel',
      message: `${String(raw.type)} needs a channel, such as "entity:Task".`,
    }
  }
  const parsed = parseChannel(raw.channel)
  return parsed.ok ? null : { ok: false, code: 'bad_channel', message: parsed.message }
}

function addressOf(raw: { requestId?: unknown; channel?: unknown; payload?: unknown }): Address {
  const { subscription } = (raw.payload ?? {}) as { subscription?: unknown }
  return {
    ...(typeof subscription === 'string' && /^.{1,100}$/su.test(subscription) ? { subscription } : {}),
    ...(typeof raw.requestId === 'string' && /^[\w.-]{1,100}$/.test(raw.requestId)
      ? { requestId: raw.requestId }
      : {}),
    ...(typeof raw.channel === 'string' && parseChannel(raw.channel).ok ? { channel: raw.channel } : {}),
  }
}
