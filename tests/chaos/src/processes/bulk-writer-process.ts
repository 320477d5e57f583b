// A program of its own that writes into the board's file behind the board's back, several rows a transaction:
// `bulk-writer-process.ts PATH FIRST_ROUND`. It says before each transaction what it is about to do, and after it how
// that ended. It goes on until it is killed, or its parent is gone.
import { setTimeout as sleep } from 'node:timers/promises'
import { createRealtimeRepository, openDatabase } from '@dnr/repository'
import { Task } from '@dnr/task-board/src/shared/task.ts'
import { BUNDLE_ROWS, BUNDLES, bundleRowId, bundleTitle, BULK_USER, mutationIdOf } from './bundle.ts'

class RolledBack extends Error {}

const PAUSE_MS = 40
const [path = '', firstRound = '1'] = process.argv.slice(2)
const database = openDatabase({ path })
const tasks = createRealtimeRepository({ database, entity: Task })
await database.migrate([tasks])
process.on('disconnect', () => process.exit(0))

for (let bundle = 0; bundle < BUNDLES; bundle++) await makeBundle(bundle)
for (let round = Number(firstRound); ; round++) {
  // Every fifth transaction is rolled back by its author after it has written: nothing of it may ever be seen.
  const isRolledBack = round % 5 === 0
  process.send?.({ round, outcome: 'tried' })
  const outcome = await writeRound(round, isRolledBack)
  process.send?.({ round, outcome })
  await sleep(PAUSE_MS)
}

async function makeBundle(bundle: number): Promise<void> {
  if ((await tasks.get(bundleRowId(bundle, 0))) !== null) return
  await database.transaction(async (tx) => {
    for (let index = 0; index < BUNDLE_ROWS; index++) {
      const fields = { title: bundleTitle(0), team: 'red', rank: 0, createdAt: 0, updatedAt: 0 }
      await tasks.within(tx).create({ id: bundleRowId(bundle, index), ...fields }, { principal: BULK_USER })
    }
  })
}

async function writeRound(round: number, isRolledBack: boolean): Promise<'acknowledged' | 'refused'> {
  try {
    await database.transaction(async (tx) => {
      for (let index = 0; index < BUNDLE_ROWS; index++) {
        const options = { principal: BULK_USER, mutationId: mutationIdOf(round, index) }
        const fields = { title: bundleTitle(round), rank: round }
        await tasks.within(tx).update(bundleRowId(round % BUNDLES, index), fields, options)
      }
      if (isRolledBack) throw new RolledBack()
    })
    return 'acknowledged'
  } catch (error) {
    if (error instanceof RolledBack || (error as { code?: string }).code === 'busy') return 'refused'
    throw error
  }
}
