// Recognises situations of presence and rooms from what goes over the wire. Holds nothing.
import type { LinkWatcher } from '@dnr/testing'
import type { Coverage, RareEdge } from '../coverage.ts'

interface Frame {
  readonly type: string
  readonly channel?: string
  readonly requestId?: string
  readonly payload?: { readonly code?: string; readonly users?: readonly unknown[] }
}

/** Most frames are of rows: they need not be parsed for this. */
const OF_PEOPLE = /^{"type":"(presence|message|error)/

const TOLD: Readonly<Record<string, RareEdge>> = {
  'presence:join': 'somebody came',
  'presence:update': 'somebody changed',
  'presence:leave': 'somebody left',
}

export function createEdgesOfPeople(coverage: Coverage): LinkWatcher {
  return {
    sent(_, text) {
      if (!OF_PEOPLE.test(text)) return
      const edge = edgeOf(JSON.parse(text) as Frame)
      if (edge !== null) coverage[edge]++
    },
  }
}

function edgeOf({ type, channel = '', requestId, payload }: Frame): RareEdge | null {
  if (type === 'message') return channel.startsWith('room:') ? 'word in a room' : 'word for one user'
  if ((payload?.users?.length ?? 0) > 0) return TOLD[type] ?? null
  if (type !== 'error' || payload?.code !== 'forbidden') return null
  const isAsked = requestId !== undefined
  if (channel.startsWith('presence:')) return isAsked ? 'foreign board refused' : 'sent away from a board'
  if (channel.startsWith('room:')) return isAsked ? 'foreign room refused' : 'sent away from a room'
  return null
}
