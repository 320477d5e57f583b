import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { chromiumOrSkip, launchChromium } from '../src/chromium.ts'

const serverFile = fileURLToPath(import.meta.resolve('@dnr/task-board/package.json')).replace(
  'package.json',
  'dist/server.js',
)

chromiumOrSkip('the built task board shows its page and stops at SIGTERM', async () => {
  const server = spawn(process.execPath, [serverFile], {
    env: { ...process.env, PORT: '0', DATABASE_URL: ':memory:' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(server, 'exit')
  try {
    const url = await readUrl(server.stdout)
    await using browser = await launchChromium()
    const page = await browser.newPage()
    await page.goto(url)
    await page.locator('#root > *').first().waitFor()
  } finally {
    server.kill('SIGTERM')
  }
  expect(await exited).toEqual([0, null])
})

async function readUrl(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1]
    if (url) return url
  }
  throw new Error('the server ended before it listened')
}
