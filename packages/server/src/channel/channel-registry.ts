// Who is subscribed to what. Holds channels, groups and their members; decides nothing and sends nothing.
import type { AnyWhere, Position } from '@dnr/protocol'
import { type Connection, isLive } from '../connection/connection.ts'
import type { Grant } from '../policy/grant.ts'
import type { Doubts } from './doubts.ts'
import type { KnownEntity } from './entities.ts'
import { createRowChannels, type RowChannels } from './row-channels.ts'
import type { PassingTransaction } from './passing-transaction.ts'
import { createShownRows, type ShownRows } from './shown-rows.ts'
import {
  type ChannelEntry,
  type Group,
  type Opening,
  type Subscription,
  subscriptionKey,
  type SubscribeRequest,
} from './subscription.ts'

/** The tables of the channel manager. */
export interface ChannelRegistry {
  readonly channels: ReadonlyMap<string, ChannelEntry>
  /** Where a change is heard. */
  readonly channelsOfRow: RowChannels['of']
  readonly groupCount: number
  readonly subscriptionCount: number
  /** How often changes were told to nobody, and everybody about rows was sent to ask anew. */
  gaps: number
  /** The transaction that is being handed over in parts. */
  passing: PassingTransaction | null
  /** Adds a subscription; `isMuted`: from the start, until its reading has ended. `isQuiet`: that of the one it takes the place of. */
  install(
    connection: Connection,
    request: SubscribeRequest,
    grant: Grant | null,
    isMuted: boolean,
    isQuiet?: boolean,
  ): Subscription
  /** Harmless when it is not installed. */
  remove(subscription: Subscription): void
}

export function createChannelRegistry(
  entities: ReadonlyMap<string, KnownEntity>,
  doubts: Doubts,
  /** Called before a group has other members. */
  beforeMembers: () => void,
  /** Called when nobody hears a channel any more. */
  vacated: (entry: ChannelEntry) => void,
): ChannelRegistry {
  const channels = new Map<string, ChannelEntry>()
  const rowChannels = createRowChannels()
  const groups = new Map<string, Group>()
  let subscriptionCount = 0

  const channelOf = (request: SubscribeRequest): ChannelEntry => {
    const known = channels.get(request.name)
    if (known !== undefined) return known
    const entry: ChannelEntry = {
      name: request.name,
      channel: request.channel,
      groups: [],
      pace: null,
      held: null,
      opening: 0,
      blocks: null,
    }
    channels.set(request.name, entry)
    rowChannels.add(entry)
    return entry
  }

  /** Who sees everything needs no memory of what it was. */
  const shownBy = (grant: Grant | null): ShownRows | null => {
    const known = grant === null || grant.seesAll ? undefined : entities.get(grant.entity.name)
    return known === undefined ? null : createShownRows(known.numbers)
  }

  const groupOf = (request: SubscribeRequest, grant: Grant | null): Group => {
    const channel = channelOf(request)
    const where = grant === null || request.where === undefined ? null : request.where
    const key = groupKey(channel.name, grant, where, request.subscription)
    const known = groups.get(key)
    if (known !== undefined) {
      // A user who has come back with other rights has the newer answer.
      known.grant = grant
      return known
    }
    const { subscription } = request
    const group: Group = {
      channel,
      key,
      grant,
      where,
      subscription,
      memberKey: subscriptionKey(channel.name, subscription),
      members: [],
      shown: shownBy(grant),
      index: channel.groups.length,
      muted: 0,
      opening: 0,
      reading: null,
      doubt: null,
      doubts,
    }
    channel.groups.push(group)
    groups.set(key, group)
    return group
  }

  const removeGroup = (group: Group): void => {
    const { channel } = group
    groups.delete(group.key)
    doubts.forget(group)
    moveLastInto(channel.groups, group.index)
    if (channel.groups.length > 0) return
    channels.delete(channel.name)
    rowChannels.remove(channel)
    vacated(channel)
  }

  return {
    channels,
    channelsOfRow: rowChannels.of,
    get groupCount() {
      return groups.size
    },
    get subscriptionCount() {
      return subscriptionCount
    },
    gaps: 0,
    passing: null,
    install(connection, request, grant, isMuted, isQuiet = request.quiet === true) {
      beforeMembers()
      const group = groupOf(request, grant)
      if (group.shown !== null) group.shown.isUnheard = false
      const opening = isMuted ? newOpening() : null
      const subscription: Subscription = {
        connection,
        // The group's own copy: that of the request would be kept alive once for each subscription.
        key: group.memberKey,
        group,
        index: group.members.length,
        opening,
        isApart: false,
        wantsGrant: request.grant !== undefined,
        isQuiet,
      }
      group.members.push(subscription)
      if (opening !== null) {
        group.muted++
        startReading(group)
      }
      subscriptionCount++
      connection.subscriptions ??= new Map()
      connection.subscriptions.set(group.memberKey, subscription)
      return subscription
    },
    remove(subscription) {
      const { connection, group, index, key } = subscription
      if (group.members[index] !== subscription) return
      beforeMembers()
      if (subscription.opening !== null) endOpening(subscription)
      moveLastInto(group.members, index)
      subscription.index = -1
      subscriptionCount--
      if (connection.subscriptions?.get(key) === subscription) connection.subscriptions.delete(key)
      if (group.members.length === 0) removeGroup(group)
    },
  }
}

function newOpening(): Opening {
  return {
    buffered: [],
    bytes: 0,
    overflowed: false,
    isOutdated: false,
    readTo: null,
    knowsDoubt: false,
    doubt: null,
  }
}

/** Mutes a subscription that is live, or waits for the bus alone: what comes from now on collects. */
export function mute(subscription: Subscription): void {
  const { opening } = subscription
  if (opening !== null && opening.readTo === null) return
  if (opening === null) {
    subscription.opening = newOpening()
    subscription.group.muted++
  } else opening.readTo = null
  startReading(subscription.group)
}

/** Is it still installed? */
export function isInstalled(subscription: Subscription): boolean {
  return subscription.index >= 0
}

/** Is it installed, and is there somebody to send to? */
export function isOpen(subscription: Subscription): boolean {
  return isInstalled(subscription) && isLive(subscription.connection)
}

/** Unmutes; what had collected is the caller's to send before. */
export function endOpening(subscription: Subscription): void {
  const { opening } = subscription
  if (opening === null) return
  subscription.opening = null
  subscription.group.muted--
  if (opening.readTo === null) stopReading(subscription)
}

/** Keeps it muted for what the bus has still to deliver up to `readTo`. */
export function holdUntil(subscription: Subscription, readTo: Position): void {
  const { opening } = subscription
  if (opening === null || opening.readTo !== null) return
  opening.buffered = []
  opening.bytes = 0
  opening.readTo = readTo
  subscription.isApart = true
  stopReading(subscription)
}

function startReading(group: Group): void {
  group.opening++
  group.channel.opening++
}

function stopReading({ group }: Subscription): void {
  const { channel } = group
  if (--group.opening === 0) group.reading = null
  if (--channel.opening === 0) channel.blocks = null
}

/** Takes one out by moving the last into its place. */
function moveLastInto(list: { index: number }[], index: number): void {
  const last = list.pop()
  if (last === undefined || last.index === index) return
  last.index = index
  list[index] = last
}

// The parts are quoted where they hold a client's text, so that two different groups never have one key.
function groupKey(
  channel: string,
  grant: Grant | null,
  where: AnyWhere | null,
  subscription: string | undefined,
): string {
  const parts = [
    grant?.key ?? '',
    grant?.fieldsKey ?? '',
    where === null ? '' : canonicalWhere(where),
    subscription ?? '',
  ]
  return parts.every((part) => part === '') ? channel : JSON.stringify([channel, ...parts])
}

function canonicalWhere(where: AnyWhere): string {
  const fields = Object.keys(where).sort()
  return JSON.stringify(fields.map((field) => [field, canonicalCondition(where[field])]))
}

function canonicalCondition(condition: unknown): unknown {
  if (typeof condition !== 'object' || condition === null) return condition
  return Object.entries(condition).sort(([a], [b]) => (a < b ? -1 : 1))
}
