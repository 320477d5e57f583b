// `pnpm start`: builds what has changed, then becomes the task board's server (one process, so signals reach it).
import { build } from './build.ts'

try {
  await build()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

process.env['SEED_DEMO'] ??= '1'
const server = new URL('../examples/task-board/dist/server.js', import.meta.url)
await import(server.href)
