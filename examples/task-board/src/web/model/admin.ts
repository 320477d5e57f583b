// What only admins have: everybody who is connected, moving them to another team, and why somebody got an event.
import type { RealtimeClient } from '@dnr/client'
import { effect, type ReadonlySignal, signal } from '@preact/signals-core'
import type { Entities } from '../../shared/task.ts'
import { ADMIN, type Member, type MembersMessage } from '../../shared/user.ts'
import { askServer } from './session-store.ts'

export interface Admin {
  /** Who is connected, whatever their team; nobody for who is no admin. */
  readonly everybody: ReadonlySignal<readonly Member[]>
  /** @throws Error whose message can be shown */
  move(userId: string, team: string): Promise<void>
  /** Why a user got, or did not get, the change at this offset: sentences. @throws Error whose message can be shown */
  explain(userId: string, offset: number): Promise<readonly string[]>
  stop(): void
}

export interface AdminOptions {
  readonly client: RealtimeClient<Entities>
  readonly token: string
  readonly team: ReadonlySignal<string>
}

export function createAdmin({ client, token, team }: AdminOptions): Admin {
  const everybody = signal<readonly Member[]>([])
  const stop = effect(() => {
    if (team.value !== ADMIN) return undefined
    const room = client.subscribe('room:members', {
      message(message) {
        const said = message as unknown as MembersMessage
        if (said.type === 'members') everybody.value = said.payload.members
      },
    })
    return () => {
      room.unsubscribe()
      everybody.value = []
    }
  })
  return {
    everybody,
    stop,
    async move(userId, next) {
      await askServer('PUT', '/api/members', { token, body: { id: userId, team: next } })
    },
    async explain(user, offset) {
      const query = new URLSearchParams({ user, channel: 'entity:Task', offset: String(offset) })
      const path = `/api/explain?${query.toString()}`
      const { lines } = (await askServer('GET', path, { token })) as { readonly lines: readonly string[] }
      return lines
    },
  }
}
