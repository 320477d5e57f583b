/**
 * Random numbers that a test can repeat: the same seed gives the same numbers, from 0 up to, not including, 1.
 *
 * The algorithm is mulberry32: 32 bits of state that grow by 0x6D2B79F5 at each call, mixed by two multiplications and
 * shifts. It stays as it is, so that a seed noted in a bug report keeps its meaning. For tests; never for secrets or ids.
 *
 * @example
 * const random = createSeededRandom(42)
 * const client = createRealtimeClient({ url, random })
 */
export function createSeededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
