import { defineConfig } from 'tsup'

// `server.js` looks at the Node version before `main.js` and its drivers load, so the two stay files of their own.
export default defineConfig({
  entry: { server: 'src/server/server.ts', main: 'src/server/main.ts' },
  format: ['esm'],
  target: 'es2022',
  platform: 'node',
  sourcemap: true,
  silent: true,
})
