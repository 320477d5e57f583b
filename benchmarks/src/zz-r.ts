import { measureResume } from './resume/resume.ts'
const r = await measureResume({ contenders: (process.argv[3] ?? 'ws-query,ws-strings,floor,dnr').split(',') as never, clients: 1000, changes: 1000, rounds: Number(process.argv[2] ?? 2) })
for (const [gap, by] of r) for (const [n, f] of by) console.log(gap, n, f.micros.toFixed(3), 'µs', f.wallMs.toFixed(0), 'ms', (f.grownBytes / 2 ** 20).toFixed(0), 'MB', JSON.stringify(f.pauses), JSON.stringify(f.idlePauses))
