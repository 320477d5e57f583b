import type { Reporter, TestModule } from 'vitest/node'

/** Ends the output with `N passed, N failed, N skipped`; under CI a skipped test fails the run. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const n = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      const before = n.failed
      for (const test of module.children.allTests()) n[test.result().state]++
      if (module.state() === 'failed' && n.failed === before) n.failed++ // a file that did not load
    }
    const skippedInCi = n.skipped > 0 && process.env['CI'] === 'true'
    process.on('exit', () => {
      if (skippedInCi) {
        process.exitCode ||= 1
        process.stdout.write(`CI=true allows no skipped test, and ${n.skipped} were skipped\n`)
      }
      process.stdout.write(`${n.passed} passed, ${n.failed} failed, ${n.skipped} skipped\n`)
    })
  }
}
