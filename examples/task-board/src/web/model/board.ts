// Everything behind one signed-in page: a client, its rows with pending writes over them, and who is here.
import { type Collection, createRealtimeClient, type RealtimeClient } from '@dnr/client'
import { createOptimisticManager, type OptimisticCollection, type OptimisticManager } from '@dnr/optimistic'
import { createPresenceManager } from '@dnr/presence/client'
import type { Member, Position } from '@dnr/protocol'
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals-core'
import type { Entities, Task } from '../../shared/task.ts'
import type { Session } from '../../shared/user.ts'
import { type Admin, createAdmin } from './admin.ts'
import { byColumn } from './columns.ts'
import { type Conflicts, createConflicts } from './conflicts.ts'
import { createJournal, type Journal } from './journal.ts'
import { createMyPresence, type MyPresence, noteOf } from './my-presence.ts'
import { createMyTeam } from './my-team.ts'
import { createNotices, type Notices } from './notices.ts'
import { createPeople } from './people.ts'
import { createRecentChanges, type RecentChanges } from './recent-changes.ts'
import { sentenceOf } from './refusal.ts'
import { createTaskWrites, type TaskWrites } from './task-writes.ts'
import { createTeamRoom } from './team-room.ts'

export interface Author {
  readonly id: string
  readonly name: string
}

export interface Board {
  readonly user: Author
  /** Mine, as of now. */
  readonly team: ReadonlySignal<string>
  readonly admin: Admin
  readonly client: RealtimeClient<Entities>
  readonly optimistic: OptimisticManager
  /** What I may see, by rank, with what is pending laid over it: the team's tasks, as the server decides. */
  readonly tasks: OptimisticCollection<Task>
  readonly writes: TaskWrites
  readonly conflicts: Conflicts
  /** Who is at my team's board; for an admin at any. */
  readonly members: ReadonlySignal<readonly Member[]>
  readonly me: MyPresence
  readonly recentChanges: RecentChanges
  /** Who made a mutation, as far as the people here say; follow it inside a computed or an effect. */
  authorOf(mutationId: string): Author | null
  readonly position: ReadonlySignal<Position | null>
  readonly journal: Journal
  readonly notices: Notices
  close(): void
}

export function openBoard(session: Session): Board {
  const { token, user } = session
  const url = `${location.origin.replace(/^http/, 'ws')}/ws`
  const client = createRealtimeClient<Entities>({ url, getToken: () => token })
  const notices = createNotices()
  const conflicts = createConflicts()
  const optimistic = createOptimisticManager({
    transport: client,
    onError: (error) => {
      if (error.code !== 'version_conflict') notices.show(sentenceOf(error), 'error')
    },
  })
  const mine = createMyTeam({
    client,
    session,
    onMoved: (team, by) => notices.show(movedSentence(team, by), 'note'),
  })
  const { team } = mine
  // No `where`: the policy says which tasks are ours, and says so anew when that changes.
  const confirmed: Collection<Task> = client.collection('Task', { orderBy: [['rank', 'asc']] })
  const tasks: OptimisticCollection<Task> = optimistic.collection(confirmed, {
    resolve: conflicts.ask,
    draft: ({ status = 'todo' }) => draftOf(team.peek(), byColumn(tasks.rows.peek())[status]),
  })
  const presence = createPresenceManager({ transport: client })
  const room = createTeamRoom(presence, team)
  const me = createMyPresence(room)
  const admin = createAdmin({ client, token, team })
  const people = createPeople({ presence, room, team, everybody: admin.everybody })
  const writes = createTaskWrites({ tasks, optimistic, onWrite: me.wrote })
  const recentChanges = createRecentChanges()
  const journal = createJournal({ client, status: confirmed.status, isOwn: writes.isOwn })
  const position = signal<Position | null>(null)

  const authors = computed(() => {
    const byMutation = new Map<string, Author>()
    for (const member of people.members.value)
      for (const id of noteOf(member).wrote) byMutation.set(id, member)
    return byMutation
  })
  const stops = [
    confirmed.onBatch((batch) => {
      position.value = batch.position
      if (batch.kind !== 'events') return
      for (const { id, row, mutationId } of batch.changes)
        if (row !== null && mutationId !== null && !writes.isOwn(mutationId))
          recentChanges.add(id, mutationId)
    }),
    // Whoever took the other's version has decided: there is nothing left to retry.
    effect(() => {
      for (const failure of tasks.failed.value)
        if (failure.error.code === 'version_conflict') queueMicrotask(failure.discard)
    }),
  ]

  return {
    user,
    team,
    admin,
    client,
    optimistic,
    tasks,
    writes,
    conflicts,
    members: people.members,
    me,
    recentChanges,
    authorOf: (mutationId) => (writes.isOwn(mutationId) ? user : (authors.value.get(mutationId) ?? null)),
    position,
    journal,
    notices,
    close() {
      for (const stop of stops) stop()
      journal.stop()
      me.stop()
      people.stop()
      admin.stop()
      mine.stop()
      room.leave()
      optimistic.close()
      client.close()
    },
  }
}

/** What the server will fill in, shown until it has. */
function draftOf(team: string, column: readonly Task[]): Partial<Task> {
  const now = Date.now()
  const rank = (column.at(-1)?.rank ?? 0) + 1
  return { status: 'todo', team, assignee: null, notes: '', rank, createdAt: now, updatedAt: now }
}

function movedSentence(team: string, by: string | null): string {
  return by === null ? `You are in team ${team} now.` : `${by} moved you to team ${team}.`
}
