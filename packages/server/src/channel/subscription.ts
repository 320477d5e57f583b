// The words of this station: a channel has groups, a group has subscriptions.
//
//   channel entity:Task ─┬─ group (key of the rule × where × subscription key × fields) ─┬─ subscription of connection a
//                        └─ group …                                                      └─ subscription of connection b
import type { AnyWhere, Channel, ChannelName, Position } from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import type { Pace } from '../limits/pace.ts'
import type { Held } from './conflation.ts'
import type { Doubt } from './doubt.ts'
import type { Doubts } from './doubts.ts'
import type { Grant } from '../policy/grant.ts'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { Frame } from '../ports/server-socket.ts'
import type { GroupReading } from './history-reader.ts'
import type { ListenerDoubt } from './listener-doubt.ts'
import type { LogBlocks } from './log-blocks.ts'
import type { ShownRows } from './shown-rows.ts'
import type { Underway } from './underway.ts'

/** A channel that somebody hears. */
export interface ChannelEntry {
  readonly name: ChannelName
  readonly channel: Channel
  readonly groups: Group[]
  /** What is left of its limit; `null` before it is first asked. */
  pace: Pace | null
  /** What it holds back while it is above the limit. */
  held: Held | null
  /** How many of its subscriptions are still reading. */
  opening: number
  /** What they read of the log, while they do. */
  blocks: LogBlocks | null
}

/** Subscriptions that get the same events as the same bytes: each change is judged and encoded once for all of them. */
export interface Group {
  readonly channel: ChannelEntry
  readonly key: string
  /** The latest member's; `null` on channels without rows. */
  grant: Grant | null
  readonly where: AnyWhere | null
  /** The clients' own key, which every frame repeats. */
  readonly subscription: string | undefined
  /** The {@link subscriptionKey} of its members. A connection has one subscription of a key: groups that share it share no connection. */
  readonly memberKey: string
  readonly members: Subscription[]
  /** Its place in the channel's groups. */
  index: number
  /** What it sees, as far as that is known; `null` where everything is seen, and where there are no rows. */
  readonly shown: ShownRows | null
  /** How many members are muted. */
  muted: number
  /** How many of these are still reading. */
  opening: number
  /** What they were sent of it, while they read. */
  reading: GroupReading | null
  /** What its rule failed on; `null` when it has not. */
  doubt: Doubt | null
  readonly doubts: Doubts
}

/** One connection's installed interest in a channel. */
export interface Subscription {
  readonly connection: Connection
  /** What {@link subscriptionKey} says. */
  readonly key: string
  readonly group: Group
  /** Its place in the group's members. */
  index: number
  /** Muted: what comes meanwhile collects here. `null` when live. */
  opening: Opening | null
  /**
   * What its group is known to be shown need not be what it has: it came back with rows of before, has read beyond what was
   * delivered, or was told otherwise of what it heard.
   */
  isApart: boolean
  /** Does its client want to be told which rights it has? */
  readonly wantsGrant: boolean
  /** A plugin made it, and may end it; its client has not asked for it. */
  readonly isQuiet: boolean
}

/** A frame that is to be sent later. */
export interface Collected {
  readonly frame: Frame
  /** Of the change that it tells; `null` of words. */
  readonly position: Position | null
  /** Does it take a row away of which the log says nothing? */
  readonly isTaken: boolean
}

/** What a subscription that still reads history has not been sent yet. */
export interface Opening {
  buffered: Collected[]
  bytes: number
  /** Too much collected and was let go: the reading must go on further instead; without rows it is lost. */
  overflowed: boolean
  /** What was let go has a row taken away of which the log says nothing: the reading cannot tell all. */
  isOutdated: boolean
  /**
   * Where the reading ended, when the log was ahead of the bus: what the bus delivers up to here has been sent already.
   * `null` while it reads.
   */
  readTo: Position | null
  /** Has its client been told that its group is in doubt? */
  knowsDoubt: boolean
  /** Without rows: since when its rule has failed, whoever asked it; `null` when it was not asked yet. */
  doubt: ListenerDoubt | null
}

/** Live, or waiting for the bus alone. Who still reads has an attempt. */
export function isOpened({ opening }: Subscription): boolean {
  return opening === null || opening.readTo !== null
}

/** A subscribe under way. A later one under the same key, an unsubscribe or the end of the connection takes its place away. */
export interface Attempt {
  readonly key: string
  request: SubscribeRequest
  subscription: Subscription | null
  /** Has `subscribed` been sent? */
  isAnnounced: boolean
  /** Has something that the client had been told of ended for it? Then a refusal says so. */
  hasEnded: boolean
  /** Do the plugins still count on something that it has taken the place of, or asks about? Then its end is told to them. */
  isHeardOf: boolean
  /** The server itself asks whether a subscription may go on: nobody waits for an answer. */
  readonly isRecheck: boolean
  /** Is its rule being asked, or still to be? Then nobody knows by which rights it will go on. */
  isAsked: boolean
  /** Have rights changed once more since the server asked? Then it asks once more. */
  isOutdated: boolean
  /** Of a recheck of a channel without rows, where nothing is read that would have to begin anew: the rule may fail for a while. */
  doubt: ListenerDoubt | null
  /** Others who asked for the same meanwhile and need no answer of their own but a refusal: a plugin, for its message. */
  joined: readonly SubscribeRequest[]
  /** What comes of it, once it is under way. */
  result: MaybePromise<SubscribeResult> | null
  /** It was begun anew, or gave way to another that stands for it: what came of that. */
  restarted: MaybePromise<SubscribeResult> | null
  /** What its client has, as far as that is known so well that a change of rights can be told as a difference. */
  underway: Underway | null
}

/** What a request to subscribe came to. */
export type SubscribeResult = 'installed' | 'refused'

/** What was asked for. */
export interface SubscribeRequest {
  readonly channel: Channel
  readonly name: ChannelName
  readonly subscription?: string | undefined
  readonly position?: Position | undefined
  /** With a position before it: rows that the client has may be as new as this. */
  readonly readTo?: Position | undefined
  readonly snapshot?: boolean | undefined
  readonly where?: AnyWhere | undefined
  /** The rights that the client had when it was at `position`; `null`: it wants to be told which they are. */
  readonly grant?: string | null | undefined
  readonly requestId?: string | undefined
  /** A plugin asks: it answers itself. */
  readonly quiet?: boolean | undefined
}

/** Others have no rows, no positions and no history. */
export function isAboutRows(channel: Channel): channel is Extract<Channel, { kind: 'entity' | 'record' }> {
  return channel.kind === 'entity' || channel.kind === 'record'
}

/** Tells a connection's subscriptions apart. A client's own key does so among the views of one channel, and no further. */
export function subscriptionKey(name: ChannelName, subscription: string | undefined): string {
  // A name has no control characters, so that no two pairs are one text.
  return subscription === undefined ? name : `${name}\n${subscription}`
}
