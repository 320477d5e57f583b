// The whole server in a process that a test can kill: `stack-process.ts PATH PORT`. Asked to write, it says after each
// commit which number is written; or it writes so many rows in one transaction.
import { startStack } from './stack.ts'

/** What one call may write. */
const BULK = 1_000

const [path = '', port = '0'] = process.argv.slice(2)
const stack = await startStack({ path, port: Number(port) })

type Order = { readonly writeFrom: number } | { readonly writeAtOnce: number }

process.on(
  'message',
  (order: Order) => void ('writeFrom' in order ? write(order.writeFrom) : writeAtOnce(order.writeAtOnce)),
)
process.on('disconnect', () => process.exit(0))
process.send?.({ listening: stack.port, committed: (await stack.tasks.get('counter'))?.rank ?? 0 })

async function writeAtOnce(count: number): Promise<void> {
  await stack.database.transaction(async (tx) => {
    for (let from = 0; from < count; from += BULK)
      await stack.tasks.within(tx).createMany(Array.from({ length: BULK }, () => ({ title: 'One of many' })))
  })
  process.send?.({ written: count })
}

async function write(from: number): Promise<never> {
  for (let n = from; ; n++) {
    await stack.database.transaction(async (tx) => {
      await stack.tasks
        .within(tx)
        .create({ id: `n${String(n).padStart(5, '0')}`, title: `Number ${n}`, rank: n })
      await stack.tasks.within(tx).update('counter', { rank: n })
    })
    process.send?.({ written: n })
  }
}
