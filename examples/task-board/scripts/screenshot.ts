// Takes docs/board.png: `pnpm --filter @dnr/task-board screenshot`, after a build. Needs a Chromium.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const target = fileURLToPath(new URL('../../../docs/board.png', import.meta.url))
const serverFile = fileURLToPath(new URL('../dist/server.js', import.meta.url))

const server = spawn(process.execPath, [serverFile], {
  env: { ...process.env, PORT: '0', DATABASE_URL: ':memory:', SEED_DEMO: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
  const url = line.replace('listening on ', '')
  const alice = await signIn(browser, url, 'Alice')
  const tom = await signIn(browser, url, 'Tom')
  const ines = await signIn(browser, url, 'Ines Moreau')
  await alice.getByTestId('menu-button').click()
  await alice.getByRole('button', { name: 'Under the hood' }).click()
  await move(alice, 'Warm up the image cache', 'ArrowUp')
  await move(tom, 'Renew the certificate', 'ArrowUp')
  await cardOf(tom, 'Find out why invoices').dblclick()
  await move(ines, 'Write the release notes', 'ArrowRight')
  await alice.getByTestId('author').getByText('Ines Moreau').waitFor()
  await alice.waitForTimeout(300) // the card has glided to its place, and is still tinted
  await alice.screenshot({ path: target })
} finally {
  await browser.close()
  server.kill('SIGTERM')
}

async function signIn(own: Browser, url: string, name: string): Promise<Page> {
  const page = await own.newPage({ viewport: { width: 1280, height: 720 } })
  await page.goto(url)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'red', exact: true }).click()
  await page.getByTestId('card').first().waitFor()
  return page
}

function cardOf(page: Page, title: string) {
  return page.getByTestId('card').filter({ hasText: title })
}

async function move(page: Page, title: string, arrow: string): Promise<void> {
  await cardOf(page, title).focus()
  await page.keyboard.press('m')
  await page.keyboard.press(arrow)
}
