import { startDnrWriter } from './writes/dnr-writer.ts'
import { itemRow } from './contenders/item.ts'
import { rmSync } from 'node:fs'
const atOnce = Number(process.argv[2] ?? 32)
const op = process.argv[3] ?? 'create'
for (const f of ['', '-wal', '-shm']) rmSync('/tmp/h/perf-prof.db' + f, { force: true })
const w = await startDnrWriter('/tmp/h/perf-prof.db', 'normal')
let n = 0
const t: number[] = []
for (let k = 0; k < Number(process.argv[4] ?? 1200); k++) {
  const s = performance.now()
  if (op === 'create') await Promise.all(Array.from({ length: atOnce }, () => w.create({ ...itemRow(++n), id: `item-${n}` })))
  else {
    if (k === 0) await Promise.all(Array.from({ length: 32 }, (_, i) => w.create({ ...itemRow(i), id: `item-${i}` })))
    await Promise.all(Array.from({ length: atOnce }, (_, i) => w.update(`item-${i}`, { title: 'Another title ' + k, rank: k })))
  }
  t.push(((performance.now() - s) * 1000) / atOnce)
}
t.sort((a, b) => a - b)
console.log(atOnce, op, 'median', t[t.length >> 1].toFixed(1), 'p10', t[Math.floor(t.length / 10)].toFixed(1))
await w.close()
