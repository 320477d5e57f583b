import { startDnrWriter } from './writes/dnr-writer.ts'
import { startHandWriter } from './writes/plain-writers.ts'
import { itemRow } from './contenders/item.ts'
import { rmSync } from 'node:fs'
for (const d of ['a', 'b', 'c']) for (const f of ['', '-wal', '-shm']) rmSync(`/tmp/h/perf-alone-${d}.db` + f, { force: true })
const W = { dnr: await startDnrWriter('/tmp/h/perf-alone-a.db', 'normal'), hand: startHandWriter('/tmp/h/perf-alone-b.db', 'normal', true), 'hand-log': startHandWriter('/tmp/h/perf-alone-c.db', 'normal', false) }
let n = 0
for (let round = 0; round < 8; round++) {
  const out: string[] = []
  for (const [name, w] of Object.entries(W)) {
    const N = 1000
    const c = process.cpuUsage(), s = performance.now()
    for (let i = 0; i < N; i++) { const r = { ...itemRow(++n), id: 'item-' + n, version: 1 }; await w.create(r) }
    const d = process.cpuUsage(c)
    out.push(`${name} wall ${((performance.now() - s) * 1000 / N).toFixed(0)} cpu ${((d.user + d.system) / N).toFixed(0)} (u ${(d.user / N).toFixed(0)})`)
    if (name === 'dnr') { const s = performance.now(); for (let i = 0; i < N; i++) await new Promise(setImmediate); out.push('immediate ' + ((performance.now() - s) * 1000 / N).toFixed(1)) }
  }
  console.log(out.join('   '))
}
process.exit(0)
