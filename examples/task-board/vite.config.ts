import { defineConfig } from 'vite'

export default defineConfig({
  build: {
    outDir: 'dist/web',
    emptyOutDir: true,
    sourcemap: true,
    // Browsers that know `light-dark()`: every colour of the page is such a pair.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
  },
  // `pnpm dev` serves the page alone; the rest is asked of a board that runs on its default port.
  server: {
    proxy: { '/api': 'http://127.0.0.1:3000', '/ws': { target: 'ws://127.0.0.1:3000', ws: true } },
  },
  logLevel: 'warn',
})
