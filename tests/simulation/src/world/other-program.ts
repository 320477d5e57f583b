// A program beside the server that opens the same database, writes, trims, writes again and ends. It has no relay, and knows of none.
import { openDatabase } from '@dnr/repository'
import { createDraw } from '../program/draw.ts'
import type { Operation } from '../program/operation.ts'
import { createProcessClock } from './process-clock.ts'
import { createRepositories } from './server-process.ts'
import { attempt, runWrite } from './server-writes.ts'
import type { World } from './world.ts'

/** Runs it to its end, unless it is killed, or finds the database in use for too long. */
export async function runOtherProgram(
  world: World,
  { writes, keep, writesAfter }: Extract<Operation, { do: 'program' }>,
): Promise<void> {
  const { otherPrograms, program, storage } = world
  const number = ++otherPrograms.started
  const clock = createProcessClock(world.clock)
  const handle = storage.open()
  const kill = (): void => {
    clock.kill()
    handle.kill()
  }
  otherPrograms.running.add(kill)
  const { random } = createDraw(program.seed, `program ${number}`)
  const database = openDatabase({ handle, clock, random, createEpoch: () => `program_${number}` })
  try {
    const repositories = createRepositories(database)
    await database.migrate(Object.values(repositories))
    for (const write of writes) await attempt(world, () => runWrite(repositories, write))
    await database.changeLog.trim({ keep })
    for (const write of writesAfter) await attempt(world, () => runWrite(repositories, write))
    await database.close()
  } finally {
    otherPrograms.running.delete(kill)
    kill()
  }
}
