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
