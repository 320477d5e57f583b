import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Sibling packages are read from their sources: no build is needed to run a package's tests.
const source = {
  resolve: { conditions: ['@dnr/source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['@dnr/source', ...defaultServerConditions] } },
}

export default defineConfig({
  test: {
    maxWorkers: '100%', // the default leaves one core idle: half of a small machine
    reporters: ['default', './scripts/summary-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**'],
      thresholds: { lines: 90, functions: 90, branches: 85, statements: 90 },
    },
    projects: [
      {
        ...source,
        test: {
          name: 'node',
          setupFiles: './scripts/property-seed.ts',
          testTimeout: 20_000, // properties run thousands of cases, two files at a time on two cores
          include: [
            'packages/*/test/**/*.test.ts',
            'tests/flow/test/**/*.test.ts',
            'tests/chaos/test/{checks,proxy}/*.test.ts',
            'examples/*/test/**/*.test.ts',
            'benchmarks/test/**/*.test.ts',
            'scripts/test/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/*.e2e.test.ts'],
          typecheck: {
            enabled: true,
            include: ['packages/*/test/**/*.test-d.ts', 'tests/flow/test/**/*.test-d.ts'],
            tsconfig: './tsconfig.vitest.json',
            ignoreSourceErrors: true, // what lies outside the type tests of this run is checked by `tsc -b`
          },
        },
      },
      {
        ...source,
        test: {
          name: 'dom',
          environment: 'happy-dom',
          include: ['packages/*/test/**/*.dom.test.tsx', 'examples/*/test/**/*.dom.test.tsx'],
        },
      },
      {
        // A browser and the built example: one file at a time, after everything else.
        ...source,
        test: {
          name: 'e2e',
          globalSetup: './tests/flow/src/chromium-notice.ts',
          include: ['tests/flow/test/**/*.e2e.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Random programs, on both cores, after everything else.
        ...source,
        test: {
          name: 'simulation',
          include: ['tests/simulation/test/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Servers that are killed and connections that break: deadlines want a machine of their own.
        ...source,
        test: {
          name: 'chaos',
          include: ['tests/chaos/test/{faults,storm}/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
