// Who is connected, for admins: told to whoever hears `room:members`, when they begin to and whenever it changed.
import type { PluginHost, ServerPlugin } from '@dnr/server'
import type { Member, MembersMessage } from '../shared/user.ts'
import type { MemberTeams } from './member-teams.ts'
import type { SignedIn } from './session.ts'

export const MEMBERS_ROOM = 'members'

export interface MemberList extends ServerPlugin {
  /** Somebody's team changed. */
  changed(): void
}

/** Many who come at once are told of once. */
const TELL_AFTER_MS = 100
const MAX_MEMBERS = 500

export function createMemberList({ present }: Pick<MemberTeams, 'present'>): MemberList {
  let changed = (): void => {}
  return {
    name: 'members',
    messageTypes: [],
    // A page subscribes to something as soon as it is connected: that is how it is seen.
    channelKinds: ['entity', 'record', 'presence', 'user', 'room'],
    changed: () => changed(),
    start(host) {
      const connectionIds = new Set<string>()
      let cancel: (() => void) | null = null

      const tell = (): void => {
        cancel = null
        const members = membersOf(connectionIds, host, present)
        const message: MembersMessage = { type: 'members', payload: { members } }
        host.send(host.subscribers(`room:${MEMBERS_ROOM}`), { ...message, channel: `room:${MEMBERS_ROOM}` })
      }
      changed = () => (cancel ??= host.clock.setTimeout(tell, TELL_AFTER_MS))

      return {
        message() {},
        subscribed(connectionId, channel) {
          if (connectionIds.has(connectionId) && channel !== `room:${MEMBERS_ROOM}`) return
          connectionIds.add(connectionId)
          changed()
        },
        unsubscribed() {},
        disconnected(connectionId) {
          if (connectionIds.delete(connectionId)) changed()
        },
        stop: () => cancel?.(),
      }
    },
  }
}

/** Each person once, by name. */
function membersOf(
  connectionIds: Iterable<string>,
  host: Pick<PluginHost, 'connection'>,
  present: MemberTeams['present'],
): readonly Member[] {
  const members = new Map<string, Member>()
  for (const connectionId of connectionIds) {
    const principal = host.connection(connectionId)?.principal
    if (principal == null) continue
    const { connections = 0 } = members.get(principal.id) ?? {}
    members.set(principal.id, { ...present(principal as SignedIn), connections: connections + 1 })
  }
  return [...members.values()].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MAX_MEMBERS)
}
