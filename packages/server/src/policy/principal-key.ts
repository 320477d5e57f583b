import type { Principal } from '@dnr/protocol'

/**
 * Everything that a rule could read of a principal, as text: equal for sessions that are alike. When a session ends makes
 * no difference. `null` for what cannot be compared, such as a `Set` of roles.
 */
export function describePrincipal(principal: Principal): string | null {
  try {
    return JSON.stringify({ ...principal, expiresAt: undefined }, refuseUnlessPlain)
  } catch {
    return null
  }
}

/** In JSON a `Set` is `{}`, whatever is in it. */
function refuseUnlessPlain(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (Object.getPrototypeOf(value) === Object.prototype) return value
  throw new TypeError('This cannot be compared as JSON.')
}

/**
 * Names principals: two sessions of one user with different rights are two, with equal rights one. What cannot be
 * compared is nobody else.
 */
export function createPrincipalKey(): (principal: Principal | null) => string {
  const known = new WeakMap<Principal, string>()
  let singular = 0
  return (principal) => {
    if (principal === null) return ''
    const key = known.get(principal) ?? describePrincipal(principal) ?? `${principal.id} #${++singular}`
    known.set(principal, key)
    return key
  }
}
