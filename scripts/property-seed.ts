// Runs before each test file: properties (fast-check) try the same cases in every run, so that a failure speaks of what was
// changed. `PROPERTY_SEED=N`, a 32-bit integer, tries others.
import fc from 'fast-check'

const text = process.env['PROPERTY_SEED'] ?? '1'
const seed = Number(text)
if (!Number.isInteger(seed) || seed !== (seed | 0)) {
  throw new Error(`PROPERTY_SEED must be a 32-bit integer, but is ${JSON.stringify(text)}`)
}
fc.configureGlobal({ seed })
