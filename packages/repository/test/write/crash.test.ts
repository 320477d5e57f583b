import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openTasks, temporaryFile } from '../support/database.ts'

const writer = fileURLToPath(new URL('../support/crash-writer.ts', import.meta.url))

/** What a writer said before it was killed. */
function runUntilKilled(
  path: string,
  statements: number,
): Promise<{ readonly acknowledged: string[]; readonly signal: string | null }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=@dnr/source', '--no-warnings', writer, path, String(statements)],
      (error, stdout) => {
        resolve({ acknowledged: stdout.split('\n').filter((id) => id !== ''), signal: error?.signal ?? null })
      },
    )
  })
}

test(
  'after SIGKILL between any two statements, log and rows agree, and nothing acknowledged is missing',
  { timeout: 60_000 },
  async () => {
    // The first writes take some twenty statements; the points walk through them.
    for (const statements of [1, 3, 5, 6, 8, 11, 14, 17, 20, 23, 29]) {
      using file = temporaryFile()
      const { acknowledged, signal } = await runUntilKilled(file.path, statements)
      expect(signal).toBe('SIGKILL')

      await using open = await openTasks({ path: file.path })
      const all = await open.database.kysely
        .selectFrom('dnr_change_log')
        .selectAll()
        .orderBy('offset')
        .execute()
      const folded = new Map<unknown, unknown>()
      for (const entry of all) {
        if (entry['after'] === null) folded.delete(entry['row_id'])
        else folded.set(entry['row_id'], JSON.parse(entry['after'] as string))
      }
      const { rows } = await open.tasks.snapshot()
      expect(rows).toEqual(
        [...folded.values()].sort((a, b) => ((a as { id: string }).id < (b as { id: string }).id ? -1 : 1)),
      )
      const created = all.filter((entry) => entry['operation'] === 'created').map((entry) => entry['row_id'])
      expect(created).toEqual(expect.arrayContaining(acknowledged))
      const answers = await open.database.kysely.selectFrom('dnr_mutations').select('mutation_id').execute()
      expect(answers.map((answer) => answer['mutation_id'])).toEqual(created)
    }
  },
)
