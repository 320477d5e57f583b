import { isEntityName } from './entity.ts'
import { type Parsed, err, ok } from './parsed.ts'

/** All changes to one kind of row. */
export type EntityChannel<Name extends string = string> = `entity:${Name}`
/** Changes to one row. */
export type RecordChannel<Name extends string = string> = `entity:${Name}:${string}`
/** Who is at a resource. */
export type PresenceChannel<Resource extends string = string> = `presence:${Resource}`
/** Private to one user. */
export type UserChannel = `user:${string}`
/** Anything that the application names. */
export type RoomChannel = `room:${string}`
/** Every name one can listen to. */
export type ChannelName = EntityChannel | RecordChannel | PresenceChannel | UserChannel | RoomChannel

/** A channel name taken apart, once; nobody compares prefixes of strings. */
export type Channel =
  | { readonly kind: 'entity'; readonly entity: string }
  | { readonly kind: 'record'; readonly entity: string; readonly id: string }
  | { readonly kind: 'presence'; readonly resource: string }
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'room'; readonly room: string }

/** Longest channel name, in UTF-8 bytes; of a `user:` channel, longest user id: 64 characters of any script. */
export const MAX_CHANNEL_BYTES = 256
/** Longest row id, in UTF-8 bytes. */
export const MAX_ID_BYTES = 200

/**
 * Takes a channel name apart, or says what is wrong with it.
 *
 * Names are compared as they are: nothing is trimmed, folded or normalised. In `entity:Name:id` only the first two
 * colons split, so ids may hold colons.
 */
export function parseChannel(name: string): Parsed<Channel> {
  const counted = name.startsWith(USER_PREFIX) ? name.slice(USER_PREFIX.length) : name
  if (counted.length > MAX_CHANNEL_BYTES || utf8Bytes(counted) > MAX_CHANNEL_BYTES) {
    return err('bad_channel', `A channel name, or the id of a user, has at most ${MAX_CHANNEL_BYTES} bytes.`)
  }
  const colon = name.indexOf(':')
  const kind = name.slice(0, Math.max(colon, 0))
  const rest = name.slice(colon + 1)
  switch (kind) {
    case 'entity':
      return parseEntityChannel(rest)
    case 'presence':
      return isPrintable(rest) ? ok({ kind, resource: rest }) : badName('presence:{resource}')
    case 'user':
      return isPrintable(rest) ? ok({ kind, userId: rest }) : badName('user:{userId}')
    case 'room':
      return isPrintable(rest) ? ok({ kind, room: rest }) : badName('room:{name}')
    default:
      return err(
        'bad_channel',
        'A channel is entity:{Name}, entity:{Name}:{id}, presence:{resource}, user:{userId} or room:{name}.',
      )
  }
}

const USER_PREFIX = 'user:'

function parseEntityChannel(rest: string): Parsed<Channel> {
  const colon = rest.indexOf(':')
  const entity = colon === -1 ? rest : rest.slice(0, colon)
  if (!isEntityName(entity)) {
    return err(
      'bad_channel',
      'The entity of a channel is a letter, then up to 63 letters, digits or underscores.',
    )
  }
  if (colon === -1) return ok({ kind: 'entity', entity })
  const id = rest.slice(colon + 1)
  return isRowId(id) ? ok({ kind: 'record', entity, id }) : badName('entity:{Name}:{id}')
}

function badName(form: string): Parsed<never> {
  return err(
    'bad_channel',
    `In ${form} the name must be printable, not empty, and an id no longer than ${MAX_ID_BYTES} bytes.`,
  )
}

/** The name of a channel; the inverse of {@link parseChannel}. */
export function formatChannel(channel: Channel): ChannelName {
  switch (channel.kind) {
    case 'entity':
      return `entity:${channel.entity}`
    case 'record':
      return `entity:${channel.entity}:${channel.id}`
    case 'presence':
      return `presence:${channel.resource}`
    case 'user':
      return `user:${channel.userId}`
    case 'room':
      return `room:${channel.room}`
  }
}

/** Can `text` be a row's id? 1 to 200 bytes, printable, and neither `.` nor `..` (they would vanish from a URL). */
export function isRowId(text: string): boolean {
  return (
    text !== '.' &&
    text !== '..' &&
    isPrintable(text) &&
    text.length <= MAX_ID_BYTES &&
    utf8Bytes(text) <= MAX_ID_BYTES
  )
}

// Control characters and halves of surrogate pairs cannot be told apart on a screen or break a frame.
// oxlint-disable-next-line no-control-regex -- naming them is the point
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u

function isPrintable(text: string): boolean {
  return text !== '' && !UNPRINTABLE.test(text)
}

/** Bytes of `text` in UTF-8, without encoding it. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit >= 0x80) bytes++
    // A surrogate pair has two units and four bytes, so each half adds one here and none below.
    if (unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff)) bytes++
  }
  return bytes
}
