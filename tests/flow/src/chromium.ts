import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { test } from 'vitest'
import { chromiumPath, hasChromium, isCi } from './chromium-path.ts'

/** Starts a headless Chromium; close it, or hold it with `await using`. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/**
 * `test` for what needs a browser, in a `*.e2e.test.ts` file.
 *
 * Without Chromium the test is skipped, and the run says once what to install; under `CI=true` it runs and fails.
 *
 * @example
 * chromiumOrSkip('shows the board', async () => {
 *   await using browser = await launchChromium()
 *   const page = await browser.newPage()
 * })
 */
export const chromiumOrSkip: typeof test.skip = hasChromium || isCi ? test : test.skip
