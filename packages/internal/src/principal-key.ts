import type { Principal } from '@dnr/protocol'

/**
 * Everything that a rule, or a view, could read of a principal, as text: equal for sessions that are alike. When a session ends
 * makes no difference. `null` for what cannot be compared, such as a `Set` of roles, a function, or an object of a class.
 */
export function describePrincipal(principal: Principal): string | null {
  try {
    refuseUnlessPlain('', principal)
    return JSON.stringify({ ...principal, expiresAt: undefined }, refuseUnlessPlain)
  } catch {
    return null
  }
}

/** JSON tells two of them apart only where they are plain: a `Set` is `{}` in it, whatever it has, and a function nothing. */
function refuseUnlessPlain(_key: string, value: unknown): unknown {
  const isPlain =
    typeof value === 'object'
      ? value === null || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
      : typeof value !== 'function'
  if (isPlain) return value
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
