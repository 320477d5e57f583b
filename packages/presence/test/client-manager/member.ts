import type { Member } from '@dnr/protocol'

export function member(id: string, more: Partial<Member> = {}): Member {
  return { id, name: id, lastSeen: 0, state: 'active', connections: 1, metadata: {}, ...more }
}
