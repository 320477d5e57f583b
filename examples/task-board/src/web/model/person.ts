/** `Bob Miller` → `BM`, `bob` → `B`. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '')
  return letters.join('').toUpperCase()
}

/** The same hue for the same person, everywhere: degrees. */
export function hueOf(userId: string): number {
  let hash = 2166136261
  for (const character of userId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619)
  // Steps of the golden angle keep similar names apart.
  return Math.round(((hash >>> 0) % 360) * 137.508) % 360
}
