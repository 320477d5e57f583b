import { chromiumPath, hasChromium, isCi } from './chromium-path.ts'

/** Says once a run, not once a file, why the browser tests are skipped. */
export function setup(): void {
  if (hasChromium || isCi) return
  console.warn(
    `browser tests are skipped: no ${chromiumPath} (apt-get install chromium, or set CHROMIUM_PATH to a Chromium)`,
  )
}
