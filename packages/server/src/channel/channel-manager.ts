// Who hears what. Holds channels, groups and subscriptions, and hands them what is said; does not hold sockets, and does not
// number changes. Comes from event-bus/ (a change) and connection/ (a request); next: subscribing.ts opens subscriptions,
// connection/outgoing.ts sends frames.
import { type Change, type ChannelName, type Clock, hasReached, type Position } from '@dnr/protocol'
import { type Connection, principalOf } from '../connection/connection.ts'
import type { FanOut } from '../connection/fan-out.ts'
import type { Refusal } from '../connection/refusal.ts'
import type { Grant } from '../policy/grant.ts'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { RightsStamps } from '../policy/rights-stamps.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { endAttempt } from './attempt.ts'
import type { AuthorizeChannel } from './authorize-channel.ts'
import { placeOf } from './change-view.ts'
import { createChannelRegistry } from './channel-registry.ts'
import { createDoubts } from './doubts.ts'
import { createEndings } from './endings.ts'
import type { KnownEntity } from './entities.ts'
import { forgetHeard, type HistoryReader } from './history-reader.ts'
import type { OpeningContext } from './opening-context.ts'
import { collect, letCollectedGo } from './collecting.ts'
import { type Affected, membersOf } from './affected.ts'
import type { PassingTransaction } from './passing-transaction.ts'
import { createReadOn } from './read-on.ts'
import { createRechecks } from './recheck.ts'
import { settleDoubt } from './settle-doubt.ts'
import { wasTakenAfter } from './shown-rows.ts'
import { createSubscribing } from './subscribing.ts'
import {
  type Attempt,
  type ChannelEntry,
  type Group,
  isOpened,
  type Subscription,
  type SubscribeRequest,
  type SubscribeResult,
} from './subscription.ts'
import { tellUnsettled } from './tell-rights.ts'
import { createTurns } from './turns.ts'
import { endUnderway } from './underway.ts'

/** Channels and their subscribers, as applications see them. */
export interface ChannelManager {
  readonly channelCount: number
  readonly groupCount: number
  readonly subscriptionCount: number
  /** Groups that may lack rows because their rule failed; they are asked about again. */
  readonly groupsInDoubt: number
  /** Ids of the connections that hear a channel. */
  subscribers(channel: ChannelName): Iterable<string>
}

/** The same with what the stations beside it need. */
export interface Channels extends ChannelManager {
  readonly channels: ReadonlyMap<string, ChannelEntry>
  /** Do so many wait for time to read that one more had better not begin? */
  readonly isCrowded: boolean
  /** The channels that a change is heard on: that of its entity, and that of its row. */
  channelsOfRow(change: Pick<Change, 'entity' | 'id'>): ChannelEntry[]
  /** Authorises, installs and opens; answers with `subscribed` or `error`. At once when nothing has to be waited for. */
  subscribe(connection: Connection, request: SubscribeRequest): MaybePromise<SubscribeResult>
  /** Ends what is installed or under way under a {@link subscriptionKey}; no frame follows for it. `quiet`: a plugin asks, is not told, and ends only what it made. */
  unsubscribe(connection: Connection, key: string, options?: { readonly quiet: boolean }): void
  /** Asks the policies again about subscriptions, and those under way: their difference is sent, or they end. */
  recheck(affected: Affected): Promise<void>
  /** Ends everything of a connection. */
  release(connection: Connection): void
  /**
   * To every member of a group; those who still read get it afterwards. `isTaken`: it takes a row away of which the log says nothing.
   */
  deliver(group: Group, frame: Frame, change: Change, isTaken: boolean): void
  /** A change could not be told to a group: its members come back and ask for it; those who still read do so further. */
  letGo(group: Group, change: Change): void
  /**
   * Changes were told to nobody, and it is not known which: whoever hears rows comes back and asks for what they missed. Those who
   * still read begin anew, so that nothing is left of what was known of the rows before.
   */
  beginAnew(): void
  /** What is being handed over in parts; `null`: nothing is. */
  passing: PassingTransaction | null
  /** A transaction has passed a group: its members are sent it from the log, which stood at `before` until then. */
  readOn(group: Group, before: Position, last: Change): void
  /** To everybody who hears the channel, once each; returns how many. */
  broadcast(channel: string, frame: Frame, exclude?: string): number
}

export interface ChannelManagerOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly policyTimeoutMs: number
  readonly maxSubscriptionsPerConnection: number
  readonly maxQueueBytes: number
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly history: ChangeHistory | null
  readonly reader: HistoryReader
  readonly authorize: AuthorizeChannel
  /** Resolves when it is known where the log stands; at once afterwards. */
  ready(): MaybePromise<void>
  position(): Position | null
  send(connection: Connection, frame: Frame): void
  sendRun(connection: Connection, run: FrameRun): void
  readonly fanOut: FanOut
  refuse(connection: Connection, error: Refusal): void
  closeSlow(connection: Connection): void
  onSubscribed(connection: Connection, entry: ChannelEntry): void
  onUnsubscribed(connection: Connection, entry: ChannelEntry): void
  /** A subscription without rows may go on, after a change of rights. */
  onRechecked(connection: Connection, entry: ChannelEntry): void
  /** Counts the changes of rights that a subscriber was told of. */
  readonly rights: RightsStamps
  /** Tells at once what a channel above its limit holds back. */
  flush(entry: ChannelEntry): void
  onError(error: unknown, what: string): void
}

export function createChannelManager(options: ChannelManagerOptions): Channels {
  const { clock, authorize, send, fanOut } = options
  const rightsOf = (connection: Connection, grant: Grant | null, channel: string): string =>
    options.rights.fingerprint(grant, principalOf(connection)?.id ?? '', channel)

  const turns = createTurns(clock)
  const context: OpeningContext = { ...options, rightsOf, turns }
  const doubts = createDoubts({
    clock,
    random: options.random,
    policyTimeoutMs: options.policyTimeoutMs,
    onBegun: tellMembersOfDoubt,
    settle: (group) => settleDoubt(group, { ...options, recheck: rechecks.recheck }),
  })
  // What a channel held back is told to nobody then, and done with.
  const registry = createChannelRegistry(options.entities, doubts, fanOut.flush, options.flush)
  const endings = createEndings({ ...options, registry })
  const { subscribe, pursue } = createSubscribing({
    ...options,
    ...context,
    registry,
    endings,
    doubt: (subscription, joined) => rechecks.doubt(subscription, joined),
    catchUp: (connection, attempt) => rechecks.catchUp(connection, attempt),
  })

  /** From here on no position tells what its rows were. Who still reads is told in its turn. */
  function tellMembersOfDoubt({ members }: Group): void {
    for (let index = members.length - 1; index >= 0; index--) {
      const member = members[index] as Subscription
      if (isOpened(member)) tellUnsettled(member, context)
    }
  }

  const readOn = createReadOn({ ...context, endings, onError: options.onError })
  const rechecks = createRechecks({
    ...context,
    registry,
    endings,
    random: options.random,
    fanOut,
    authorize,
    readOn,
    pursue,
    onError: options.onError,
    onRechecked: options.onRechecked,
  })

  /** All of a group get the rows anew. */
  const sendAllForRows = ({ members }: Group): void => {
    for (let index = members.length - 1; index >= 0; index--) {
      const member = members[index] as Subscription
      const { opening } = member
      if (opening?.readTo === null) {
        letCollectedGo(opening)
        opening.isOutdated = true
      } else endings.sendForRows(member)
    }
  }

  return {
    channels: registry.channels,
    channelsOfRow: registry.channelsOfRow,
    get channelCount() {
      return registry.channels.size
    },
    get groupCount() {
      return registry.groupCount
    },
    get subscriptionCount() {
      return registry.subscriptionCount
    },
    get groupsInDoubt() {
      return doubts.count
    },
    get isCrowded() {
      return turns.isCrowded
    },
    *subscribers(channel) {
      const seen = new Set<string>()
      for (const { members } of registry.channels.get(channel)?.groups ?? []) {
        for (const { connection, opening } of members) {
          const isReading = opening !== null && opening.readTo === null
          if (isReading || seen.has(connection.id)) continue
          seen.add(connection.id)
          yield connection.id
        }
      }
    },
    subscribe,
    unsubscribe(connection, key, { quiet } = { quiet: false }) {
      const pending = connection.attempts?.get(key)
      const subscription = connection.subscriptions?.get(key)
      // The client itself wants to hear the channel, whatever its plugin does.
      if (quiet && isOwn(pending, subscription)) return
      endings.supersede(connection, pending)
      if (subscription !== undefined) (quiet ? registry : endings).remove(subscription)
      // One that is being asked about, or replaced, is over with that, and its plugin has still to be told.
      else if (pending !== undefined && !quiet) endings.end(connection, pending)
    },
    recheck: rechecks.recheck,
    release(connection) {
      for (const attempt of connection.attempts?.values() ?? []) endAttempt(connection, attempt)
      for (const subscription of connection.subscriptions?.values() ?? []) registry.remove(subscription)
      connection.subscriptions = null
    },
    deliver(group, frame, change, isTaken) {
      forgetHeard(group, change.id)
      // Who of them had the row is not known, and to the others it is not to be named.
      if (isTaken && group.shown?.isDivided === true) return sendAllForRows(group)
      if (group.muted === 0) return fanOut.add(group, group.memberKey, frame)
      const position = placeOf(change)
      const { members } = group
      // From the end: a member that is removed meanwhile makes place for one that has been served.
      for (let index = members.length - 1; index >= 0; index--) {
        const member = members[index] as Subscription
        const { connection, opening } = member
        if (isTaken && opening?.readTo && hasReached(opening.readTo, change.position))
          endings.sendForRows(member)
        else if (opening === null || collect(member, opening, { frame, position, isTaken }))
          send(connection, frame)
      }
    },
    letGo(group, change) {
      forgetHeard(group, change.id)
      const { members } = group
      for (let index = members.length - 1; index >= 0; index--) {
        const member = members[index] as Subscription
        const { opening } = member
        if (opening === null) endings.sendAway(member)
        else if (opening.readTo === null) letCollectedGo(opening)
        else if (!hasReached(opening.readTo, change.position)) endings.sendAway(member)
      }
    },
    get passing() {
      return registry.passing
    },
    set passing(passing) {
      registry.passing = passing
    },
    readOn(group, before, last) {
      fanOut.flush()
      const { members, shown } = group
      const isTaken = shown !== null && wasTakenAfter(shown, before)
      for (let index = members.length - 1; index >= 0; index--) {
        const member = members[index] as Subscription
        const { opening } = member
        if (opening?.readTo === null) {
          letCollectedGo(opening)
          opening.isOutdated ||= isTaken
          // Who has read ahead of the bus has all of it that is in the log, or nothing.
        } else if (opening === null || !hasReached(opening.readTo, last.position))
          readOn.begin(member, before)
        else if (isTaken) endings.sendForRows(member)
      }
    },
    beginAnew() {
      registry.gaps++
      registry.passing = null
      const groups = [...registry.channels.values()].flatMap((entry) => entry.groups)
      const affected = groups.filter(({ grant }) => grant !== null).map(membersOf)
      for (const { subscriptions } of affected) subscriptions.forEach(endings.sendAway)
      const attempts = affected.flatMap((each) => each.attempts)
      // What was sent before cannot be made current by a difference.
      for (const { attempt } of attempts) endUnderway(attempt)
      rechecks
        .recheck({ subscriptions: [], attempts })
        .catch((error: unknown) => options.onError(error, 'beginning anew after missed changes'))
    },
    broadcast(channel, frame, exclude) {
      const served = new Set<Connection>()
      for (const { members } of registry.channels.get(channel)?.groups ?? []) {
        for (const member of members) {
          const { connection, opening } = member
          if (connection.id === exclude || served.has(connection)) continue
          served.add(connection)
          if (opening === null || collect(member, opening, { frame, position: null, isTaken: false }))
            send(connection, frame)
        }
      }
      return served.size
    },
  }
}

/** Does a client ask for it, or has it asked? */
function isOwn(pending: Attempt | undefined, subscription: Subscription | undefined): boolean {
  return subscription?.isQuiet === false || (pending?.isRecheck === false && pending.request.quiet !== true)
}
