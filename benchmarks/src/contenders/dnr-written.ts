import { createRealtimeRepository, openDatabase } from '@dnr/repository'
import type { Contender } from './contender.ts'
import { startDnr } from './dnr.ts'
import { Item, itemFields, itemRow } from './item.ts'

/** The server with its table and log in a file, and the relay that brings what is written to the event bus. */
export async function startDnrWithFile(path: string) {
  const database = openDatabase({ path })
  const items = createRealtimeRepository({ database, entity: Item })
  await database.migrate([items])
  const { realtime, port, close } = await startDnr({ repositories: [items], history: database.changeLog })
  const relay = database.startRelay(realtime.eventBus)
  return {
    items,
    history: database.changeLog,
    port,
    close: async () => {
      await relay.stop()
      await close()
      await database.close()
    },
  }
}

/** Changes are written through the repository, all of a tick at once. */
export async function startDnrWritten(path: string): Promise<Contender> {
  const { items, port, close } = await startDnrWithFile(path)
  const ids = Array.from({ length: 16 }, (_, index) => `item${index}`)
  for (const id of ids) await items.create({ ...itemFields(0), id })
  let n = 0
  return {
    port,
    publish: async (count) => {
      const { title, rank } = itemRow(++n)
      await Promise.all(ids.slice(0, count).map((id) => items.update(id, { title, rank })))
    },
    close,
  }
}
