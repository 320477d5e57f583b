// One program from its first operation to its rest. Gives what was found, and a trace that is the same each time.
import { followTurns, InvariantViolation } from '@dnr/testing'
import type { Coverage } from './coverage.ts'
import type { PlantedBug } from './planted-bug.ts'
import type { Program } from './program/operation.ts'
import { perform } from './world/perform.ts'
import { comeToRest } from './world/rest.ts'
import { createWorld } from './world/world.ts'

export interface RunResult {
  readonly violation: InvariantViolation | null
  readonly coverage: Coverage
  readonly trace: readonly string[]
  readonly virtualMs: number
}

export async function runProgram(program: Program, bug: PlantedBug | null = null): Promise<RunResult> {
  using turns = followTurns()
  const world = createWorld(program, turns, bug)
  const { clock, coverage, trace } = world
  const onUnhandled = (error: unknown): void =>
    world.fail(
      error instanceof InvariantViolation
        ? error
        : new InvariantViolation('S9', {
            who: 'the process',
            what: 'an unhandled error',
            actual: String((error as Error)?.stack ?? error),
          }),
    )
  process.on('unhandledRejection', onUnhandled)
  process.on('uncaughtException', onUnhandled)
  let violation: InvariantViolation | null = null
  try {
    world.start()
    await clock.advance(0)
    for (let index = 0; index < program.clients; index++) world.openTab(index)
    for (const operation of program.operations) {
      await clock.advance(Math.max(0, operation.at - clock.monotonic()))
      world.assertWell()
      perform(world, operation)
      await turns.quiet()
      world.assertWell()
    }
    await comeToRest(world)
  } catch (error) {
    violation =
      error instanceof InvariantViolation
        ? error
        : new InvariantViolation('S9', {
            who: 'the simulation',
            what: 'an unexpected error',
            actual: String((error as Error).stack),
          })
  } finally {
    process.off('unhandledRejection', onUnhandled)
    process.off('uncaughtException', onUnhandled)
    for (const client of world.clients) client.end()
    world.storage.close()
  }
  return { violation, coverage, trace, virtualMs: clock.monotonic() }
}
