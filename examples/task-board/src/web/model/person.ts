/** `Bob Miller` → `BM`, `bob` → `B`. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const named = words.length > 1 ? [words[0], words.at(-1)] : words
  return named
    .map((word = '') => String.fromCodePoint(word.codePointAt(0) ?? 0x3f))
    .join('')
    .toUpperCase()
}

/** Hues that can be told apart and carry white letters: the muddy ones between yellow and green are left out. */
const HUES = [10, 35, 60, 145, 165, 190, 220, 245, 265, 290, 315, 340] as const

/** The same hue for the same person, everywhere: degrees. */
export function hueOf(userId: string): number {
  let hash = 2166136261
  for (const character of userId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619)
  hash ^= hash >>> 15
  return HUES[(hash >>> 0) % HUES.length] ?? HUES[0]
}
