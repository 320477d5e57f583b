// The simulation proves itself: each broken variant of the hub is found by random programs.
import { expect, test } from 'vitest'
import { PLANTED_BUGS } from '../src/planted-bugs.ts'
import { PLANTED_LEAKS } from '../src/planted-leaks.ts'
import { generateProgram } from '../src/program/generate.ts'
import { runProgram } from '../src/run-program.ts'
import { runSeeds } from '../src/runner/run-seeds.ts'
import { shrink } from '../src/shrink.ts'

test.each([...PLANTED_BUGS, ...PLANTED_LEAKS].map((bug) => [bug.name, bug] as const))(
  'a hub that %s is found',
  async (name, bug) => {
    const { runs, failures } = await runSeeds({ seed: 1, runs: 500, bug, untilFailure: true })
    expect(failures, `${name}: not found in ${runs} runs`).toHaveLength(1)
    console.log(`${name}: seed ${failures[0]?.seed}, ${failures[0]?.message.split('\n')[0]}`)
  },
)

test('a failing program shrinks to a small one that fails alike and can be replayed', async () => {
  const [bug] = PLANTED_BUGS
  if (bug === undefined) throw new Error('no planted bug')
  const { failures } = await runSeeds({ seed: 1, runs: 500, bug, untilFailure: true })
  const [failure] = failures
  if (failure === undefined) throw new Error('not found')
  const { program } = await shrink(generateProgram(failure.seed), failure.property, bug)
  expect(program.operations.length).toBeLessThanOrEqual(12)
  const replayed = JSON.parse(JSON.stringify(program)) as typeof program
  expect((await runProgram(replayed, bug)).violation?.property).toBe(failure.property)
  expect((await runProgram(replayed)).violation).toBeNull()
})
