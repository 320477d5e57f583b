// A process that has SQLite and nothing of DNR. Arguments: the file, then statements; runs them in one connection.
import { DatabaseSync } from 'node:sqlite'

const [path = '', ...statements] = process.argv.slice(2)
const database = new DatabaseSync(path, { timeout: 5_000 })
for (const statement of statements) database.exec(statement)
database.close()
