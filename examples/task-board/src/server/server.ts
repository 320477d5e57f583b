// What `node dist/server.js` runs: an older Node would crash in the SQLite driver without a word, so look before it is loaded.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 12)) {
  console.error(`The task board needs Node 22.12 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

await import('./main.ts')
