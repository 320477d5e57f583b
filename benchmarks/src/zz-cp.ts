import { createDnrShelf } from './collections/dnr-shelf.ts'
import { itemRow } from './contenders/item.ts'
const isView = process.argv[2] === 'view'
const rows = Array.from({ length: 10000 }, (_, i) => ({ ...itemRow(i), id: `item-${String(i).padStart(6, '0')}`, status: i % 2 === 0 ? 'todo' : 'done', version: 1 }))
const N = Number(process.argv[3] ?? 3000)
for (let r = 0; r < 4; r++) { const s = createDnrShelf({ isView }); const t = performance.now(); await s.open(rows); console.log('open', (performance.now() - t).toFixed(2)); s.close() }
const s = createDnrShelf({ isView }); await s.open(rows)
for (let r = 0; r < 4; r++) {
  const c = process.cpuUsage(), t = performance.now()
  for (let k = 0; k < N; k++) { const at = ((r * N + k) * 7919 % 5000) * 2; const row = rows[at]; s.update(row.id, 't' + k); const st = { ...row, title: 't' + k, version: row.version + 1 }; rows[at] = st; await s.confirm(st, r * N + k + 1) }
  const d = process.cpuUsage(c)
  console.log(isView ? 'view' : 'plain', ((performance.now() - t) * 1000 / N).toFixed(1), 'cpu', ((d.user + d.system) / N).toFixed(1))
}
