// One of several processes that write into one file at once. Arguments: path, name, how many writes of its own, how many
// that all of them ask for under the same mutation ids. Says `ready`, begins at a line on stdin, and answers with what
// its relay delivered and what it was told about its own writes.
import { once } from 'node:events'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { Task } from './database.ts'

const [path = '', name = '', own = '0', shared = '0'] = process.argv.slice(2)
const IN_FLIGHT = 5

const database = openDatabase({ path, busyTimeoutMs: 60_000 })
const tasks = createRealtimeRepository({ database, entity: Task })
await database.migrate([tasks])
const delivered: (readonly [number, string])[] = []
const relay = database.startRelay({
  publish: (changes) =>
    void delivered.push(...changes.map(({ position, id }) => [position.offset, id] as const)),
})
await relay.flush()
process.stdout.write('ready\n')
await once(process.stdin, 'data')

const written: { readonly mutationId: string; readonly offset: number; readonly id: string }[] = []
const ids = [
  ...Array.from({ length: Number(own) }, (_, index) => `${name}-${index}`),
  ...Array.from({ length: Number(shared) }, (_, index) => `shared-${index}`),
]
const write = async (): Promise<void> => {
  for (let mutationId = ids.pop(); mutationId !== undefined; mutationId = ids.pop()) {
    const { row, position } = await tasks.mutate(
      { operation: 'create', fields: { title: mutationId.split('-')[0] } },
      { principal: { id: 'alice' }, mutationId },
    )
    written.push({ mutationId, offset: position.offset, id: row?.id ?? '' })
  }
}
await Promise.all(Array.from({ length: IN_FLIGHT }, write))
process.stdout.write('written\n')
await once(process.stdin, 'data')

// By now everybody has written everything.
await relay.flush()
process.stdout.write(`${JSON.stringify({ delivered, written })}\n`)
await database.close()
process.exit(0)
