import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { canPin } from '../process/child.ts'

const peers = ['ws', 'socket.io', 'better-sqlite3'] as const

/** One line that says what the figures belong to. */
export function describeMachine(): string {
  const [cpu] = cpus()
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const pinned = canPin ? 'server and load pinned to a core each' : 'not pinned'
  const versions = peers.map((peer) => `${peer} ${versionOf(peer)}`).join(', ')
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gigabytes} GB, ${process.platform}, ${pinned}; Node ${process.versions.node}, ${versions}`
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url)
  return (require(`${name}/package.json`) as { version: string }).version
}
