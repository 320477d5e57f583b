import { defineConfig } from 'tsup'

/**
 * The build that every package shares: ESM, types, source maps.
 *
 * `@dnr/internal` is folded into the code and into the types; every other dependency stays an import.
 */
export function library(options: {
  entry: string[]
  target: 'es2022' | 'es2023'
}): ReturnType<typeof defineConfig> {
  return defineConfig({
    ...options,
    format: ['esm'],
    platform: options.target === 'es2023' ? 'node' : 'neutral',
    noExternal: ['@dnr/internal'],
    // The types' bundler inlines what it does not find in node_modules: hence the path.
    dts: {
      compilerOptions: {
        moduleResolution: 'nodenext',
        paths: { '@dnr/internal': ['../internal/src/index.ts'] },
      },
    },
    sourcemap: true,
    clean: true,
    silent: true,
  })
}
