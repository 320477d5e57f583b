import type { ServerMessage } from '@dnr/protocol'

type PeopleMessage = Extract<ServerMessage, { readonly payload: { readonly users: readonly unknown[] } }>

/** Everybody at a resource after `message`, as the sync that a late listener gets; `null` as long as that is not known. */
export function foldPeople(sync: PeopleMessage | null, message: ServerMessage): PeopleMessage | null {
  if (!message.type.startsWith('presence:')) return sync
  const { type, payload } = message as PeopleMessage
  if (type === 'presence:sync') return { ...(message as PeopleMessage), requestId: undefined }
  if (!sync) return sync
  const named = new Set(payload.users.map(({ id }) => id))
  const others = sync.payload.users.filter(({ id }) => !named.has(id))
  return { ...sync, payload: { users: type === 'presence:leave' ? others : [...others, ...payload.users] } }
}
