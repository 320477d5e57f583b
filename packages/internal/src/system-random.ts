/** The host's random numbers, from 0 up to, not including, 1. For spreading load; never for secrets or ids. */
export function systemRandom(): number {
  return Math.random()
}
