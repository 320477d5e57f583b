import Database from 'better-sqlite3'
import { rmSync } from 'node:fs'
import { itemRow } from './contenders/item.ts'
for (const f of ['', '-wal', '-shm']) rmSync('/tmp/h/perf-raw.db' + f, { force: true })
const db = new Database('/tmp/h/perf-raw.db'); db.pragma('journal_mode=WAL'); db.pragma('synchronous=normal')
const { SYSTEM_TABLES_DDL } = await import('../../packages/repository/src/change-log/log-tables.ts')
db.exec('CREATE TABLE Item (id TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL, team TEXT NOT NULL, rank REAL NOT NULL, notes TEXT NOT NULL, version INTEGER NOT NULL) STRICT')
for (const d of SYSTEM_TABLES_DDL) db.exec(d)
const S = (s: string) => db.prepare(s)
const begin = S('BEGIN IMMEDIATE'), commit = S('COMMIT'), sp = S('SAVEPOINT dnr'), rel = S('RELEASE dnr')
const row = S('INSERT INTO Item VALUES (?,?,?,?,?,?,?)'), log = S('INSERT INTO dnr_change_log VALUES (?,?,?,?,?,?,?,?,?,?,?)')
const ans = S('INSERT INTO dnr_mutations VALUES (?,?,?,?,?,?,?,?)'), find = S('SELECT * FROM dnr_mutations WHERE scope=? and mutation_id=?'), tomb = S('select version from dnr_tombstones where entity=? and row_id=?')
const head = S("select (select epoch from dnr_epochs order by number desc limit 1) as epoch, coalesce((select seq from sqlite_sequence where name = 'dnr_change_log'), 0) as offset")
let n = 0
const T: Record<string, number> = {}
const time = <T>(name: string, f: () => T): T => { const s = performance.now(); const r = f(); T[name] = (T[name] ?? 0) + performance.now() - s; return r }
const G = Number(process.argv[2] ?? 32), K = 64000 / G
const s0 = performance.now()
for (let k = 0; k < K; k++) {
  time('begin', () => begin.run()); time('head', () => head.get())
  for (let i = 0; i < G; i++) {
    const r = itemRow(++n), id = 'item-' + n, text = JSON.stringify(r)
    if (G > 1) time('savepoint', () => sp.run())
    time('find', () => find.get('', 'mutation-' + n)); time('tomb', () => tomb.get('Item', id))
    time('row', () => row.run(id, r.title, r.status, r.team, r.rank, r.notes, 1))
    time('log', () => log.run(n, n, 'Item', id, 'created', 1, null, text, 'mutation-' + n, null, Date.now()))
    time('ans', () => ans.run('', 'mutation-' + n, 'GxQf6Pm4yW1n0b8bq8bq8bq8bq8bq8bq8bq8bq8bq8A', text, 1, 'V1StGXR8_Z5jdHi6B-myT', n, Date.now()))
    if (G > 1) time('release', () => rel.run())
  }
  time('commit', () => commit.run())
}
const total = performance.now() - s0
console.log('group', G, 'µs/write', (total * 1000 / n).toFixed(1), Object.entries(T).map(([k, v]) => `${k} ${(v * 1000 / n).toFixed(2)}`).join('  '))
