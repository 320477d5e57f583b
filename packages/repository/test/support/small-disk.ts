import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** A file system of its own, small enough to be filled. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes all the room that is left but `spareBytes`. */
  fill(spareBytes?: number): void
  /** Gives it back. */
  free(): void
  remount(mode: 'ro' | 'rw'): void
}

const asRoot = (command: string, ...parameters: string[]): void => {
  const [program, ...rest] = process.getuid?.() === 0 ? [command] : ['sudo', '-n', command]
  execFileSync(program ?? command, [...rest, ...parameters], { stdio: 'pipe' })
}

/** Mounts a disk, or `null` where that is not possible. */
function mountSmallDisk(bytes: number): SmallDisk | null {
  const directory = mkdtempSync(join(tmpdir(), 'dnr-disk-'))
  try {
    asRoot('mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=0777`, 'tmpfs', directory)
  } catch {
    rmSync(directory, { recursive: true })
    return null
  }
  const filler = join(directory, 'filler')
  return {
    path: join(directory, 'test.db'),
    fill(spareBytes = 0) {
      const block = Buffer.alloc(4096)
      try {
        for (;;) writeFileSync(filler, block, { flag: 'a' })
      } catch {
        // ENOSPC is what it was after.
      }
      truncateSync(filler, Math.max(0, statSync(filler).size - spareBytes))
    },
    free: () => rmSync(filler),
    remount: (mode) => asRoot('mount', '-o', `remount,${mode}`, directory),
    [Symbol.dispose]() {
      asRoot('umount', '-l', directory)
      rmSync(directory, { recursive: true })
    },
  }
}

let canMount: boolean | undefined

/** Can this machine mount a small disk? In CI it must. */
export function canMountSmallDisk(): boolean {
  if (canMount !== undefined) return canMount
  const disk = mountSmallDisk(1_048_576)
  disk?.[Symbol.dispose]()
  canMount = disk !== null
  if (!canMount && process.env['CI'] === 'true')
    throw new Error('A small tmpfs cannot be mounted: CI needs root, or sudo without a password.')
  if (!canMount) console.log('Skipping what fills a disk: mounting a small tmpfs needs root.')
  return canMount
}

/** A disk that {@link canMountSmallDisk} has promised. */
export function openSmallDisk(bytes: number): SmallDisk {
  const disk = mountSmallDisk(bytes)
  if (disk === null) throw new Error('A small tmpfs cannot be mounted.')
  return disk
}
