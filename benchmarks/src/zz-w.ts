import { measureWrites } from './writes/writes.ts'
const r = await measureWrites({ rounds: 40, commits: { normal: 48, full: 16 } })
for (const [m, by] of r.micros) console.log(m.synchronous, m.operation, [...by].map(([n, v]) => `${n} ${v.toFixed(0)}`).join('  '))
console.log(r.oneFailing)
