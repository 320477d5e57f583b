/** The same text for the same value, whatever the order of its fields: who asks the same shares one subscription. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? // oxlint-disable-next-line typescript/require-array-sort-compare -- as texts they are in the order of their fields
        Object.fromEntries(Object.entries(part).sort())
      : part,
  )
}

/** A short name for `text`, which stands in every event: 32 bits (FNV-1a) in base 36, enough to tell one page's views apart. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0).toString(36)
}
