// What somebody says in a room, to those who hear it and to nobody later. Holds who waits until what they said before is said; what is
// left of a room's limit hangs on the channel. Comes from message-router.ts; next: channel/, which tells the others.
import { type Channel, type ClientMessage, type Clock, parseChannel } from '@dnr/protocol'
import type { AuthorizeChannel } from '../channel/authorize-channel.ts'
import type { Channels } from '../channel/channel-manager.ts'
import type { Limits } from '../limits/limits.ts'
import { createPace, paceInMs, takePace } from '../limits/pace.ts'
import { createLines } from '../policy/in-line.ts'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import type { PolicyEvaluator } from '../policy/policy-evaluator.ts'
import { changingRights, MAX_ASKS, unknownRights } from '../policy/unknown-rights.ts'
import { type Connection, isLive, principalOf } from './connection.ts'
import { encodeMessage } from './frame.ts'
import { addressOf, FORBIDDEN, type Refusal } from './refusal.ts'

export interface RoomMessagesOptions {
  readonly clock: Clock
  readonly channels: Pick<Channels, 'channels' | 'broadcast'>
  readonly authorize: AuthorizeChannel
  /** Counts changes of rights. */
  readonly policies: Pick<PolicyEvaluator, 'generation'>
  readonly limits: Pick<Limits, 'maxRoomMessagesPerSecond'>
  refuse(connection: Connection, refusal: Refusal): void
}

type RoomMessage = Extract<ClientMessage, { type: 'message' }>

/** Says a `message` to everybody else in the room, if its sender may hear the room by the rights of today. */
export type SayInRoom = (connection: Connection, message: RoomMessage) => MaybePromise<void>

export function createRoomMessages(options: RoomMessagesOptions): SayInRoom {
  const { clock, channels, refuse } = options
  const inLine = createLines()

  /** How long a room takes no further message; 0: it takes this one. */
  const roomWaitMs = (channel: string): number => {
    const entry = channels.channels.get(channel)
    if (entry === undefined) return 0
    const { maxRoomMessagesPerSecond: perSecond } = options.limits
    const now = clock.monotonic()
    entry.pace ??= createPace(perSecond, now)
    return takePace(entry.pace, perSecond, 1, now) ? 0 : paceInMs(entry.pace, perSecond, 1)
  }

  /**
   * Today's answer, once what was said before is said: an answer of before a change of rights is asked for again.
   *
   * @throws DnrError `busy`
   */
  const mayHear = (
    connection: Connection,
    channel: Channel,
    before: Promise<void> | null,
    asks = 1,
  ): MaybePromise<boolean> => {
    const principal = principalOf(connection)
    if (principal === null) return false
    const { generation } = options.policies
    const answer = options.authorize(principal, channel)
    return whenReady(before === null ? answer : answeredAfter(before, answer), (authorization) => {
      if (generation !== options.policies.generation) {
        if (asks === MAX_ASKS) throw changingRights()
        return mayHear(connection, channel, null, asks + 1)
      }
      if (authorization === 'unknown') throw unknownRights()
      return authorization !== null
    })
  }

  return (connection, message) => {
    const parsed = parseChannel(message.channel)
    const speak = (isAllowed: boolean): void => {
      if (!isAllowed)
        return refuse(connection, { ...addressOf(message), code: 'forbidden', message: FORBIDDEN })
      const { channel, payload } = message
      const waitMs = roomWaitMs(channel)
      if (waitMs > 0) return refuse(connection, tooManyInRoom(message, waitMs))
      channels.broadcast(
        channel,
        encodeMessage({ type: 'message', channel, payload }, clock.now()),
        connection.id,
      )
    }
    if (!parsed.ok || parsed.value.kind !== 'room') return speak(false)
    const { value: room } = parsed
    return inLine(`${connection.id} ${message.channel}`, (before) => {
      if (before === null && hearsForSure(connection, message.channel)) return speak(true)
      return whenReady(mayHear(connection, room, before), (isAllowed) => {
        // Whoever was sent away meanwhile says nothing more.
        if (isLive(connection)) speak(isAllowed)
      })
    })
  }
}

async function answeredAfter<Answer>(before: Promise<void>, answer: MaybePromise<Answer>): Promise<Answer> {
  const [settled] = await Promise.all([answer, before])
  return settled
}

function tooManyInRoom(message: RoomMessage, retryAfterMs: number): Refusal {
  const sentence = `There is too much talk in this room: try again after ${retryAfterMs} ms.`
  return { ...addressOf(message), code: 'rate_limited', message: sentence, retryAfterMs }
}

/** Does it hear the channel, and is nothing asked about that? */
function hearsForSure({ subscriptions }: Connection, channel: string): boolean {
  for (const { group, opening } of subscriptions?.values() ?? [])
    if (group.channel.name === channel && opening === null) return true
  return false
}
