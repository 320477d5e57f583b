import type { Member, ServerMessage } from '@dnr/protocol'

/**
 * Members after a message of the server, by id. `sync` replaces; the others change whom they name. Members that did not
 * change stay the same objects, and a list in which nothing changed stays the same list.
 */
export function applyPresence(members: readonly Member[], message: ServerMessage): readonly Member[] {
  const { type } = message
  if (!/^presence:(sync|join|update|leave)$/.test(type)) return members
  const { users } = (message as Extract<ServerMessage, { type: 'presence:sync' }>).payload
  const known = new Map(members.map((member) => [member.id, member]))
  const next = new Map(type === 'presence:sync' ? [] : known)
  for (const user of users) {
    if (type === 'presence:leave') next.delete(user.id)
    else next.set(user.id, unchanged(known.get(user.id), user))
  }
  const result = [...next.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const isSame =
    result.length === members.length && result.every((member, index) => member === members[index])
  return isSame ? members : result
}

function unchanged(known: Member | undefined, member: Member): Member {
  return known && JSON.stringify(known) === JSON.stringify(member) ? known : member
}
