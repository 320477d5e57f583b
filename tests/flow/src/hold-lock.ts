import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('lock-holder.ts', import.meta.url))

/** Another process takes the write lock of a database and keeps it until told otherwise. */
export async function holdLock(path: string) {
  const child = spawn(process.execPath, ['--no-warnings', program, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return {
    async letGo(): Promise<void> {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}
