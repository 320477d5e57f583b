// Tells those who watch a resource what changed there. Holds what each resource's watchers were last told, and who waits
// for a sync. Knows nothing of joins and time-outs: it compares what is with what was told. Comes from presence-plugin.ts.
//
//   quiet ─change▶ due (end of this tick) ─tell▶ open ─change▶ open, dirty ─window over▶ tell, open      open ─window over▶ quiet
//   open, somebody waits for their right ─window over▶ tell, open
//
// The first change goes out in its own tick; those that follow are gathered while the window is open. A storm of n joins
// is then a few messages for each member instead of n, and everybody who joined in one window shares one encoded sync.
import { createPrincipalKey } from '@dnr/internal'
import type { ChannelName, Member, Principal } from '@dnr/protocol'
import { diffMembers } from '../tracker/presence-state.ts'
import type { Address, PresenceHost } from './presence-host.ts'

/** What one user sees of another: the member, less of it, or `null` for nothing. */
export type PresenceView = (viewer: Principal, member: Member) => Member | null

export interface TellingOptions {
  readonly host: PresenceHost
  readonly view: PresenceView | null
  present(resource: string): readonly Member[]
  count(resource: string): number
}

export interface Telling {
  /** Something changed at a resource. */
  touch(resource: string): void
  /**
   * This connection needs to know everybody who is here; `requestId`: as an answer. While it is asked whether it may hear the
   * resource it is told nothing, and an answer waits; whoever goes on is owed the rest anew.
   */
  owe(address: Address): void
  /** Sends at once what is owed to a connection about a resource, if it may hear of it now. */
  settle(connectionId: string, resource: string): void
  /** Nothing is owed to a connection about a resource any more. Needless for one that is gone: it is passed over. */
  forget(connectionId: string, resource: string): void
  stop(): void
}

interface Debt {
  readonly connectionId: string
  readonly requestId: string | undefined
}

/** What is going on about one resource. */
interface Desk {
  readonly channel: ChannelName
  told: readonly Member[]
  debts: Debt[]
  phase: 'quiet' | 'due' | 'open' | 'dirty'
  cancel(): void
}

const LEAST_WINDOW_MS = 25
const LONGEST_WINDOW_MS = 500
const WINDOW_MS_PER_MEMBER = 0.5

/** How long changes are gathered: longer where more have to be told, so that a room's frames per second stay bounded. */
export function windowMs(members: number): number {
  return Math.min(LONGEST_WINDOW_MS, Math.max(LEAST_WINDOW_MS, members * WINDOW_MS_PER_MEMBER))
}

export function createTelling({ host, view, present, count }: TellingOptions): Telling {
  const desks = new Map<string, Desk>()
  const viewerKey = createPrincipalKey()
  let isStopped = false

  const deskOf = (resource: string): Desk => {
    const known = desks.get(resource)
    if (known !== undefined) return known
    const channel: ChannelName = `presence:${resource}`
    const desk: Desk = { channel, told: [], debts: [], phase: 'quiet', cancel: () => {} }
    desks.set(resource, desk)
    return desk
  }

  const touch = (resource: string): void => {
    const desk = deskOf(resource)
    if (desk.phase === 'open') desk.phase = 'dirty'
    if (desk.phase !== 'quiet') return
    desk.phase = 'due'
    void Promise.resolve().then(() => tellAndOpen(resource, desk))
  }

  const tellAndOpen = (resource: string, desk: Desk): void => {
    if (isStopped) return
    tell(resource, desk)
    desk.phase = 'open'
    desk.cancel = host.clock.setTimeout(
      () => {
        if (desk.phase === 'dirty' || desk.debts.length > 0) return tellAndOpen(resource, desk)
        desk.phase = 'quiet'
        if (desk.told.length === 0) desks.delete(resource)
      },
      windowMs(count(resource)),
    )
  }

  const tell = (resource: string, desk: Desk): void => {
    const { told } = desk
    const members = present(resource)
    const listening = new Set(host.subscribers(desk.channel))
    const debts = desk.debts.filter(({ connectionId }) => listening.has(connectionId))
    desk.told = members
    desk.debts = desk.debts.filter(
      ({ connectionId, requestId }) =>
        requestId !== undefined &&
        !listening.has(connectionId) &&
        host.connection(connectionId) !== undefined,
    )
    const informed = new Set(debts.map(({ connectionId }) => connectionId))
    const others = [...listening].filter((id) => !informed.has(id))
    for (const { receivers, show } of audiences(others))
      tellDifference(desk.channel, receivers, show(told), show(members))
    for (const { requestId, receivers } of byRequest(debts)) sync(desk.channel, members, receivers, requestId)
  }

  const isListening = (connectionId: string, channel: ChannelName): boolean => {
    for (const id of host.subscribers(channel)) if (id === connectionId) return true
    return false
  }

  const tellDifference = (
    channel: ChannelName,
    receivers: readonly string[],
    before: readonly Member[],
    after: readonly Member[],
  ): void => {
    const { joined, updated, left } = diffMembers(before, after)
    const say = (type: string, users: readonly Member[]): void => {
      if (users.length > 0) host.send(receivers, { type, channel, payload: { users } })
    }
    say('presence:join', joined)
    say('presence:update', updated)
    say('presence:leave', left)
  }

  const sync = (
    channel: ChannelName,
    members: readonly Member[],
    connectionIds: readonly string[],
    requestId: string | undefined,
  ): void => {
    for (const { receivers, show } of audiences(connectionIds)) {
      const payload = { users: show(members) }
      host.send(receivers, {
        type: 'presence:sync',
        channel,
        payload,
        ...(requestId === undefined ? {} : { requestId }),
      })
    }
  }

  /** Receivers that see the same: all of them, or, with a view, the connections of one user with the same rights. */
  const audiences = (
    connectionIds: readonly string[],
  ): readonly { receivers: readonly string[]; show(members: readonly Member[]): readonly Member[] }[] => {
    if (connectionIds.length === 0) return []
    if (view === null) return [{ receivers: connectionIds, show: (members) => members }]
    const byViewer = new Map<string, { viewer: Principal; receivers: string[] }>()
    for (const connectionId of connectionIds) {
      const viewer = host.connection(connectionId)?.principal
      if (viewer == null) continue
      const key = viewerKey(viewer)
      const audience = byViewer.get(key) ?? { viewer, receivers: [] }
      byViewer.set(key, audience)
      audience.receivers.push(connectionId)
    }
    return [...byViewer.values()].map(({ viewer, receivers }) => ({
      receivers,
      show: (members) => members.flatMap((member) => shownTo(viewer, member, view) ?? []),
    }))
  }

  return {
    touch,
    owe({ connectionId, resource, requestId }) {
      const desk = deskOf(resource)
      // One sync is enough for who subscribes and joins at once, unless each wants an answer of its own.
      const own = desk.debts.findIndex(
        (debt) => debt.connectionId === connectionId && debt.requestId === undefined,
      )
      if (own >= 0) desk.debts.splice(own, 1)
      const isOwed = requestId === undefined && desk.debts.some((debt) => debt.connectionId === connectionId)
      if (!isOwed) desk.debts.push({ connectionId, requestId })
      touch(resource)
    },
    settle(connectionId, resource) {
      const desk = desks.get(resource)
      if (desk === undefined) return
      const own = desk.debts.filter((debt) => debt.connectionId === connectionId)
      desk.debts = desk.debts.filter((debt) => debt.connectionId !== connectionId)
      if (own.length === 0 || !isListening(connectionId, desk.channel)) return
      for (const { requestId } of own) sync(desk.channel, present(resource), [connectionId], requestId)
      // It now knows more than the others were told, and the next difference tells of that: it gets a sync in its place.
      desk.debts.push({ connectionId, requestId: undefined })
    },
    forget(connectionId, resource) {
      const desk = desks.get(resource)
      if (desk !== undefined) desk.debts = desk.debts.filter((debt) => debt.connectionId !== connectionId)
    },
    stop() {
      isStopped = true
      for (const { cancel } of desks.values()) cancel()
      desks.clear()
    },
  }
}

/** Everybody sees themselves. A view that throws shows nothing. */
function shownTo(viewer: Principal, member: Member, view: PresenceView): Member | null {
  if (member.id === viewer.id) return member
  try {
    return view(viewer, member)
  } catch {
    return null
  }
}

/** Who asked under the same id, or none, shares one frame: a storm of joins by our own client is one encoding. */
function byRequest(
  debts: readonly Debt[],
): readonly { requestId: string | undefined; receivers: readonly string[] }[] {
  const groups = new Map<string | undefined, string[]>()
  for (const { requestId, connectionId } of debts) {
    const receivers = groups.get(requestId) ?? []
    groups.set(requestId, receivers)
    receivers.push(connectionId)
  }
  return [...groups].map(([requestId, receivers]) => ({ requestId, receivers }))
}
