// Somebody who stands at the red team's board and watches who comes and goes.
import { createPresenceManager } from '@dnr/presence/client'
import type { Member } from '@dnr/protocol'
import { openLiveClient } from '../processes/live-client.ts'
import { waitUntil } from './bench.ts'

export interface People extends AsyncDisposable {
  names(): string[]
  member(id: string): Member | undefined
  /** Everybody who was seen to go, in order. */
  left(): readonly string[]
}

export async function openPeople(port: number, token: string): Promise<People> {
  const client = openLiveClient({ url: `ws://127.0.0.1:${port}/ws`, token, random: Math.random })
  const { members } = createPresenceManager({ transport: client.client }).join('board/red')
  const left: string[] = []
  let before: readonly Member[] = []
  members.subscribe((now) => {
    for (const { id } of before) if (!now.some((member) => member.id === id)) left.push(id)
    before = now
  })
  await waitUntil(() => members.peek().length > 0, 'an observer of presence to be there')
  return {
    names: () => members.peek().map(({ id }) => id),
    member: (id) => members.peek().find((member) => member.id === id),
    left: () => left,
    [Symbol.asyncDispose]: () => Promise.resolve(client[Symbol.dispose]()),
  }
}
