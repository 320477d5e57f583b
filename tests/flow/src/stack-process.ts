// The whole server in a process that a test can kill: `stack-process.ts PATH PORT`. Asked to write, it says after each
// commit which number is written.
import { startStack } from './stack.ts'

const [path = '', port = '0'] = process.argv.slice(2)
const stack = await startStack({ path, port: Number(port) })

process.on('message', (message: { readonly writeFrom: number }) => void write(message.writeFrom))
process.on('disconnect', () => process.exit(0))
process.send?.({ listening: stack.port, committed: (await stack.tasks.get('counter'))?.rank ?? 0 })

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
