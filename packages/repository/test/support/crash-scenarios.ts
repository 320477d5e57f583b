// What a process does until it is killed, and what a second one repeats after it. Every write has a mutation id or a
// chosen id, so that doing it again changes nothing that is done already.
import { defineEntity, DnrError, type Position } from '@dnr/protocol'
import { z } from 'zod'
import {
  createRealtimeRepository,
  type DatabaseSettings,
  type DatabaseTransaction,
  openDatabase,
  type RealtimeDatabase,
  type RealtimeRepository,
  type SqliteHandle,
} from '../../src/index.ts'
import { Task } from './database.ts'
import { makeTables1 } from './tables-1.ts'

const Note = defineEntity('Note', z.object({ id: z.string(), text: z.string() }))

export interface Board {
  readonly database: RealtimeDatabase
  readonly tasks: RealtimeRepository<typeof Task>
  readonly notes: RealtimeRepository<typeof Note>
}

/** A write that somebody was told is done. */
export interface Acknowledged {
  readonly mutationId: string
  readonly position: Position
}

/** Opens the board without migrating it. */
export function openBoard(
  location: { readonly path: string } | { readonly handle: SqliteHandle },
  settings: DatabaseSettings = {},
): Board {
  const database = openDatabase({ ...location, ...settings })
  return {
    database,
    tasks: createRealtimeRepository({ database, entity: Task }),
    notes: createRealtimeRepository({ database, entity: Note }),
  }
}

export const migrate = ({ database, tasks, notes }: Board): Promise<void> => database.migrate([tasks, notes])

type Acknowledge = (done: Acknowledged) => void

export interface Scenario {
  /** What is there before; runs in a process that nobody kills. `null`: not even a migrated file. */
  readonly before: ((board: Board) => Promise<unknown>) | null
  /** Makes the file instead. */
  makeFile?(path: string): void
  /** Does the killed part begin with the migration, and with it the epoch? Otherwise that is done before. */
  readonly startsUnmigrated?: true
  /** What is killed, statement by statement. */
  run(board: Board, acknowledge: Acknowledge): Promise<void>
}

const principal = { id: 'alice' }
type Writes = Pick<RealtimeRepository<typeof Task>, 'mutate'>

async function write(
  repository: Writes,
  acknowledge: Acknowledge,
  mutationId: string,
  mutation: Parameters<Writes['mutate']>[0],
): Promise<void> {
  const { position } = await repository.mutate(mutation, { principal, mutationId })
  acknowledge({ mutationId, position })
}

/** A write without a mutation id: done again, it is refused for what it has done before. */
async function once(promise: Promise<unknown>): Promise<void> {
  await promise.catch((error: unknown) => {
    const { code } = error as { readonly code?: string }
    if (!REFUSALS.includes(code ?? '')) throw error
  })
}

const REFUSALS: readonly string[] = ['id_taken', 'not_found', 'version_conflict', 'forbidden']

function refuse(): never {
  throw new DnrError('forbidden', 'This write is refused.')
}

const create = (id: string, title = 'x') => ({ operation: 'create', fields: { id, title } }) as const
const seed = ({ tasks }: Board) => Promise.all(['a', 'b', 'c'].map((id) => tasks.create({ id, title: 'x' })))

/** Every kind of write that there is. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a migration of an empty file': { before: null, startsUnmigrated: true, run: migrate },
  'an upgrade of the first tables': {
    before: null,
    makeFile: makeTables1,
    startsUnmigrated: true,
    async run(board, acknowledge) {
      await migrate(board)
      await write(board.tasks, acknowledge, 'after', create('d'))
    },
  },
  'the start of an epoch': { before: seed, startsUnmigrated: true, run: migrate },
  'writes one by one': {
    before: seed,
    async run(board, acknowledge) {
      const { tasks } = board
      await once(tasks.create({ id: 'n', title: 'x' }))
      await once(tasks.update('n', { title: 'y' }, { ifVersion: 1 }))
      await once(tasks.delete('a', { ifVersion: 1 }))
      await write(tasks, acknowledge, 'create', create('m'))
      await write(tasks, acknowledge, 'update', { operation: 'update', id: 'b', fields: { rank: 2 } })
      await write(tasks, acknowledge, 'delete', { operation: 'delete', id: 'c' })
      // Under the id of a deleted row: its version goes on.
      await write(tasks, acknowledge, 'again', create('c', 'again'))
      await write(tasks, acknowledge, 'create', create('m'))
    },
  },
  'a group of writes': {
    async before(board) {
      await seed(board)
      await board.tasks.create({ id: 'd', title: 'x' })
      await board.tasks.delete('d')
    },
    async run(board, acknowledge) {
      const { tasks } = board
      await Promise.all([
        write(tasks, acknowledge, 'g1', create('g1')),
        once(tasks.update('b', { title: 'refused' }, { ifVersion: 9 })),
        // It has written (what it knew of the deleted row) when it is refused, and is undone alone.
        once(tasks.mutate(create('d'), { authorize: refuse })),
        write(tasks, acknowledge, 'g2', { operation: 'update', id: 'a', fields: { rank: 1 } }),
        write(tasks, acknowledge, 'g2', { operation: 'update', id: 'a', fields: { rank: 1 } }),
      ])
    },
  },
  'a transaction over two repositories': {
    before: seed,
    async run(board, acknowledge) {
      await board.database.transaction((tx) => moveTogether(board, tx))
      acknowledge({ mutationId: 'task', position: { epoch: '', offset: 4 } })
    },
  },
  'a trim': {
    async before(board) {
      const options = { principal, mutationId: 'old' }
      await board.tasks.create({ id: 'old', title: 'x' }, options)
      await seed(board)
      await board.tasks.delete('b')
      for (const rank of [1, 2, 3]) await board.tasks.update('a', { rank })
    },
    async run(board) {
      await board.database.changeLog.trim({ keep: 2, mutationMaxAgeMs: 0 })
    },
  },
}

async function moveTogether({ tasks, notes }: Board, tx: DatabaseTransaction): Promise<void> {
  const [inTasks, inNotes] = [tasks.within(tx), notes.within(tx)]
  await inTasks.mutate(create('together'), { principal, mutationId: 'task' })
  await once(inTasks.update('a', { title: 'refused' }, { ifVersion: 9 }))
  await inNotes.mutate(
    { operation: 'create', fields: { id: 'note', text: 'of together' } },
    { principal, mutationId: 'note' },
  )
  await inTasks.mutate(
    { operation: 'update', id: 'b', fields: { rank: 7 } },
    { principal, mutationId: 'rank' },
  )
}
