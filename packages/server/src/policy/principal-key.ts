import type { Principal } from '@dnr/protocol'

/**
 * Names a principal by everything that a rule could read of it, so that two sessions of one user with different rights
 * are two, and two with equal rights are one. When the session ends makes no difference.
 */
export type PrincipalKey = (principal: Principal | null) => string

/** Remembers what it said of an object. */
export function createPrincipalKey(): PrincipalKey {
  const known = new WeakMap<Principal, string>()
  let singular = 0

  const keyOf = (principal: Principal): string => {
    try {
      return JSON.stringify({ ...principal, expiresAt: undefined })
    } catch {
      // What cannot be compared is taken to be nobody else.
      return `${principal.id} #${++singular}`
    }
  }

  return (principal) => {
    if (principal === null) return ''
    const key = known.get(principal) ?? keyOf(principal)
    known.set(principal, key)
    return key
  }
}
