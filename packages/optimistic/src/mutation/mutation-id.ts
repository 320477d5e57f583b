/** A random id of 26 lower-case letters and digits: 130 bits, safe in URLs and where case does not count. */
export function createRandomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(26)), (byte) => (byte & 31).toString(32)).join('')
}
