// One of several processes that write into one file at once. Arguments: path, name, how many processes there are, how
// many rounds of writes, how many writes all of them ask for under the same mutation ids. Says `ready`, begins at a line on
// stdin, and answers with what its relay delivered and what it was told about its own writes.
//
// A round begins when the relay has delivered everybody's writes of the one before, so that all really write in turn.
import { once } from 'node:events'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { Task } from './database.ts'

const [path = '', name = '', processes = '0', rounds = '0', shared = '0'] = process.argv.slice(2)
const ROUND = 10

const database = openDatabase({ path, busyTimeoutMs: 60_000 })
const tasks = createRealtimeRepository({ database, entity: Task })
await database.migrate([tasks])
const delivered: (readonly [number, string])[] = []
let wake = (): void => {}
const relay = database.startRelay({
  publish(changes) {
    delivered.push(...changes.map(({ position, id }) => [position.offset, id] as const))
    wake()
  },
})
await relay.flush()
process.stdout.write('ready\n')
await once(process.stdin, 'data')

const written: { readonly mutationId: string; readonly offset: number; readonly id: string }[] = []
const write = async (mutationId: string): Promise<void> => {
  const { row, position } = await tasks.mutate(
    { operation: 'create', fields: { title: mutationId.split('-')[0] } },
    { principal: { id: 'alice' }, mutationId },
  )
  written.push({ mutationId, offset: position.offset, id: row?.id ?? '' })
}
const writeAll = (prefix: string, count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, index) => write(`${prefix}-${index}`)))

for (let round = 1; round <= Number(rounds); round++) {
  await writeAll(`${name}-${round}`, ROUND)
  const everybodys = round * ROUND * Number(processes)
  while (delivered.length < everybodys) await new Promise<void>((resolve) => (wake = resolve))
}
await writeAll('shared', Number(shared))
process.stdout.write('written\n')
await once(process.stdin, 'data')

// By now everybody has written everything.
await relay.flush()
process.stdout.write(`${JSON.stringify({ delivered, written })}\n`)
await database.close()
process.exit(0)
