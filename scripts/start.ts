// `pnpm start`: builds what has changed, then becomes the task board's server (one process, so signals reach it).
import { build } from './build.ts'
import { demoSecret } from './demo-secret.ts'

try {
  await build()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

process.env['SEED_DEMO'] ??= '1'
const secret = process.env['DNR_SECRET'] || demoSecret('data/session-secret')
if (secret !== undefined) process.env['DNR_SECRET'] = secret
// Anybody may sign in as admin: what is explained is for who develops here, not for the network.
const isLocal = ['127.0.0.1', '::1', 'localhost'].includes(process.env['HOST'] || '127.0.0.1')
if (isLocal && process.env['NODE_ENV'] !== 'production') process.env['EXPLAIN'] ??= '1'
const server = new URL('../examples/task-board/dist/server.js', import.meta.url)
await import(server.href)
