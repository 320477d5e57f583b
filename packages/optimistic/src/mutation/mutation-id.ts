const ALPHABET = 'useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict'

/**
 * A random, url-safe id of 21 characters: 126 bits, as nanoid makes them.
 *
 * `getRandomValues` fills the array with random bytes, as `crypto.getRandomValues` does.
 */
export function createRandomId(getRandomValues: (bytes: Uint8Array) => unknown): string {
  const bytes = new Uint8Array(21)
  getRandomValues(bytes)
  let id = ''
  for (const byte of bytes) id += ALPHABET[byte & 63]
  return id
}

/** The same for many small arrays: asking the system each time took longer than anything else of a write. */
export function pooled(getRandomValues: (bytes: Uint8Array) => unknown): (bytes: Uint8Array) => void {
  const pool = new Uint8Array(1_344)
  let at = pool.length
  return (bytes) => {
    if (at + bytes.length > pool.length) {
      getRandomValues(pool)
      at = 0
    }
    bytes.set(pool.subarray(at, (at += bytes.length)))
  }
}
