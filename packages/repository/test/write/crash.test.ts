import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCrashBench, type CrashedRun } from '../support/crash-points.ts'
import { migrate, openBoard, SCENARIOS, type Scenario } from '../support/crash-scenarios.ts'
import { foldEntries, readStoredState, type StoredState } from '../support/stored-state.ts'

const readState = (path: string): StoredState => readStoredState(path, ['Note', 'Task'])

/** Row, log and answers tell the same story, and it holds everything that was acknowledged. */
function checkAgreement(state: StoredState, { acknowledged }: Pick<CrashedRun, 'acknowledged'>): void {
  const { entries, answers, floor, rows } = state
  expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => floor + 1 + index))

  const folded = foldEntries(entries)
  for (const [key, row] of folded) expect(rows.get(key) ?? null, key).toEqual(row)
  if (floor === 0) expect(folded.size).toBeGreaterThanOrEqual(rows.size)

  const kept = answers.filter(({ offset }) => offset > floor)
  const marked = entries.filter(({ mutation_id }) => mutation_id !== null)
  const place = (each: { offset: number; mutation_id: string | null }) => `${each.mutation_id} ${each.offset}`
  expect(kept.map(place)).toEqual(marked.map(place))
  expect(new Set(marked.map(({ mutation_id }) => mutation_id)).size).toBe(marked.length)
  for (const { mutationId, position } of acknowledged)
    expect(kept.map(place)).toContain(place({ mutation_id: mutationId, offset: position.offset }))

  for (const entry of entries) {
    const together = entries.filter(
      ({ transaction_offset }) => transaction_offset === entry.transaction_offset,
    )
    expect(together[0]?.offset).toBe(entry.transaction_offset)
    if (entry.row_id === 'together') expect(together).toHaveLength(3)
  }
}

async function prepare({ before, makeFile }: Scenario, directory: string): Promise<string | null> {
  const path = join(directory, 'template.db')
  rmSync(path, { force: true })
  makeFile?.(path)
  if (before === null) return makeFile === undefined ? null : path
  const board = openBoard({ path })
  await migrate(board)
  await before(board)
  await board.database.close()
  return path
}

/** What the rows and the log look like after a run that nobody killed, or after a second one on a killed one's file. */
async function runToTheEnd(path: string, scenario: Scenario): Promise<unknown> {
  const board = openBoard({ path })
  await migrate(board)
  await scenario.run(board, () => {})
  await board.database.close()
  const state = readState(path)
  checkAgreement(state, { acknowledged: [] })
  return {
    rows: [...state.rows],
    log: state.entries.map(({ entity, row_id, after }) => [entity, row_id, after]),
  }
}

test(
  'after SIGKILL at every step of every kind of write: rows are the fold of the log, answers are its marks, nothing acknowledged is missing, and doing it all again does each thing once',
  { timeout: 300_000 },
  async () => {
    using bench = await createCrashBench()
    const points: Record<string, number> = {}
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const template = await prepare(scenario, bench.directory)
      let expected: unknown
      const outcomes: unknown[] = []
      points[name] = await bench.killAtEveryStep(name, template, async (run) => {
        checkAgreement(readState(run.path), run)
        const outcome = await runToTheEnd(run.path, scenario)
        outcomes.push(outcome)
        if (run.isFinished) expected ??= outcome
      })
      for (const outcome of outcomes) expect(outcome).toEqual(expected)
    }
    console.log('killed at', points)
    // A scenario that no longer reaches the database would be killed nowhere.
    for (const [name, count] of Object.entries(points)) expect(count, name).toBeGreaterThan(4)
  },
)
