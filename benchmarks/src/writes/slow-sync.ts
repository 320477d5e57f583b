import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds, in `folder`, the library by which a process waits longer for its disk; `null` where no C compiler or no Linux is. */
export function buildSlowSync(folder: string): string | null {
  if (process.platform !== 'linux') return null
  const library = join(folder, 'slow-sync.so')
  const source = fileURLToPath(new URL('slow-sync.c', import.meta.url))
  const { status } = spawnSync(process.env['CC'] ?? 'cc', [
    '-shared',
    '-fPIC',
    '-O2',
    '-o',
    library,
    source,
    '-ldl',
  ])
  return status === 0 ? library : null
}
