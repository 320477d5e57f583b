import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineEntity } from '@dnr/protocol'
import { z } from 'zod'
import {
  createRealtimeRepository,
  type DatabaseSettings,
  openDatabase,
  type RealtimeDatabase,
  type RealtimeRepository,
} from '../../src/index.ts'

export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string().min(1).max(200),
    status: z.enum(['todo', 'doing', 'done']).default('todo'),
    assignee: z.string().nullable().default(null),
    rank: z.number().default(0),
    done: z.boolean().default(false),
  }),
)

export interface OpenTasks extends AsyncDisposable {
  readonly database: RealtimeDatabase
  readonly tasks: RealtimeRepository<typeof Task>
}

/** A migrated database with tasks, closed at the end of the test. */
export async function openTasks(
  settings: DatabaseSettings & { readonly path?: string } = {},
): Promise<OpenTasks> {
  const { path = ':memory:', ...rest } = settings
  const database = openDatabase({ path, ...rest })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  return { database, tasks, [Symbol.asyncDispose]: () => database.close() }
}

export interface TemporaryFile extends Disposable {
  readonly path: string
  readonly directory: string
}

/**
 * A path for a database in a directory that goes with the test. `inMemory`: on a disk in memory where there is one, for
 * tests that open many files and ask nothing of the disk.
 */
export function temporaryFile({ inMemory = false } = {}): TemporaryFile {
  const disk = inMemory && existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const directory = mkdtempSync(join(disk, 'dnr-repository-'))
  return {
    directory,
    path: join(directory, 'test.db'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** The code of the DnrError that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'resolved'
}
