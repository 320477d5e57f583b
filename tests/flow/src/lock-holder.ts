// A process that holds the write lock of a database: `lock-holder.ts PATH`. Says `locked`; lets go when stdin ends.
import { once } from 'node:events'
import Database from 'better-sqlite3'

const [path = ''] = process.argv.slice(2)
const database = new Database(path)
database.exec('BEGIN IMMEDIATE')
process.stdout.write('locked\n')
process.stdin.resume()
await once(process.stdin, 'end')
database.exec('COMMIT')
database.close()
