import { startChild } from './process/child.ts'
const child = await startChild('collections/collections-process.ts', [], 'server')
const only = process.argv[2]?.split(',')
for (let r = 0; r < 4; r++) for (const isView of [false, true]) for (const shelf of ['array', 'tanstack', 'dnr'].filter((s) => only === undefined || only.includes(s))) {
  const { micros } = await child.ask<{ micros: number }>({ kind: 'changes', shelf, isView, rows: 10000, changes: shelf === 'dnr' ? 2000 : shelf === 'tanstack' ? 300 : 100 })
  const o = await child.ask<{ micros: number }>({ kind: 'open', shelf, isView, rows: 10000, changes: 0 })
  if (r > 0) console.log(isView ? 'view ' : 'plain', shelf, micros.toFixed(1), 'open', (o.micros / 1000).toFixed(1), 'ms')
}
await child.close()
