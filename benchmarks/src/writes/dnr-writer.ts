import { createRealtimeRepository, openDatabase } from '@dnr/repository'
import { Item } from '../contenders/item.ts'
import type { Synchronous, Writer } from './writer.ts'

/** The repository: schema, image before, log entry, record of the answer; every write with a mutation id of its own. */
export async function startDnrWriter(path: string, synchronous: Synchronous): Promise<Writer> {
  const database = openDatabase({ path, synchronous })
  const items = createRealtimeRepository({ database, entity: Item })
  await database.migrate([items])
  let mutations = 0
  const options = () => ({ mutationId: `mutation-${++mutations}` })
  return {
    create: ({ version: _version, ...fields }) => items.create(fields, options()),
    update: (id, patch) => items.update(id, patch, options()),
    close: () => database.close(),
  }
}
