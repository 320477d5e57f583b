// The team that I am in: the one I signed in to, until an admin moves me. Rows and rights follow by themselves; this is for
// what the page says of it.
import type { RealtimeClient } from '@dnr/client'
import { effect, type ReadonlySignal, signal } from '@preact/signals-core'
import type { Entities } from '../../shared/task.ts'
import type { Session, TeamMessage } from '../../shared/user.ts'
import { keepTeam, requestTeam } from './session-store.ts'

export interface MyTeam {
  readonly team: ReadonlySignal<string>
  stop(): void
}

export interface MyTeamOptions {
  readonly client: RealtimeClient<Entities>
  readonly session: Session
  /** `by`: the name of who did it; `null` when it happened while I was away. */
  onMoved(team: string, by: string | null): void
}

export function createMyTeam({ client, session, onMoved }: MyTeamOptions): MyTeam {
  const { token, user } = session
  const team = signal(user.team)
  let heard = 0
  const move = (next: string, by: string | null): void => {
    heard++
    if (next === team.peek()) return
    team.value = next
    keepTeam(next)
    onMoved(next, by)
  }
  const own = client.subscribe(`user:${user.id}`, {
    message(message) {
      const said = message as unknown as TeamMessage
      if (said.type === 'team') move(said.payload.team, said.payload.by)
    },
  })
  // What was said while nobody was connected is not said again.
  const ask = async (): Promise<void> => {
    const before = heard
    const now = await requestTeam(token)
    if (now !== null && heard === before) move(now, null)
  }
  const stopAsking = effect(() => {
    if (client.connected.value) void ask()
  })
  return {
    team,
    stop() {
      stopAsking()
      own.unsubscribe()
    },
  }
}
