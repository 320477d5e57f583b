// Writes of the server's own code, and of programs beside it.
import { DnrError } from '@dnr/protocol'
import type { RealtimeRepository } from '@dnr/repository'
import type { BulkWrite, Operation, ServerWrite } from '../program/operation.ts'
import type { ServerProcess } from './server-process.ts'
import type { World } from './world.ts'

export function writeAlone(world: World, server: ServerProcess, write: ServerWrite): void {
  void attempt(world, () => runWrite(server.repositories, write))
}

export function writeMany(world: World, server: ServerProcess, bulk: BulkWrite): void {
  const repository = server.repositories[bulk.entity] as unknown as RealtimeRepository
  void attempt(world, async () => {
    if (bulk.operation === 'createMany') await repository.createMany(bulk.rows as never)
    else if (bulk.operation === 'deleteMany') await repository.deleteMany({ where: bulk.where as never })
    else await repository.updateMany({ where: bulk.where as never }, bulk.fields as never)
    world.count('many rows at once')
  })
}

export function writeTogether(
  world: World,
  server: ServerProcess,
  operation: Extract<Operation, { do: 'transaction' }>,
): void {
  const { clock } = world
  const { writes, pauseMs, fails } = operation
  void attempt(world, () =>
    server.database.transaction(async (transaction) => {
      const { Task, Note } = server.repositories
      const within = {
        Task: Task.within(transaction),
        Note: Note.within(transaction),
      } as unknown as ServerProcess['repositories']
      for (const write of writes) {
        // One write that is refused leaves the others alone.
        await runWrite(within, write).catch((error: unknown) => {
          if (!(error instanceof DnrError) || !['not_found', 'id_taken'].includes(error.code)) throw error
        })
        if (pauseMs > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, pauseMs))
      }
      if (!fails) return
      world.count('transaction rolled back')
      throw new DnrError('cancelled', 'The program rolls this transaction back.')
    }),
  )
}

export function runWrite(
  repositories: ServerProcess['repositories'],
  { entity, operation, id, fields }: ServerWrite,
): Promise<unknown> {
  const repository = repositories[entity] as unknown as RealtimeRepository
  if (operation === 'create') return repository.create({ id, ...fields } as never)
  return operation === 'update' ? repository.update(id, fields as never) : repository.delete(id)
}

/** Errors are answers here: the row is absent, the database busy, the process dead. */
export async function attempt(world: World, action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
  } catch (error) {
    world.note(`write: ${error instanceof DnrError ? error.code : String(error)}`)
  }
}
