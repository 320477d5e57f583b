import { defineConfig } from 'vite'

export default defineConfig({
  // Browsers that know `light-dark()`: every colour of the page is such a pair.
  build: {
    outDir: 'dist/web',
    emptyOutDir: true,
    sourcemap: true,
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
  },
  logLevel: 'warn',
})
