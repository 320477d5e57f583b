import type { Principal } from '@dnr/protocol'

/**
 * Everything that a rule, or a view, could read of a principal, as text: equal for sessions that are alike. When a session ends
 * makes no difference. `null` for what cannot be compared, such as a `Set` of roles, a function, or an object of a class that
 * does not say itself what it is as JSON.
 */
export function describePrincipal(principal: Principal): string | null {
  if (!isPlain(principal)) return null
  try {
    return JSON.stringify({ ...principal, expiresAt: undefined }, refuseUnlessPlain)
  } catch {
    return null
  }
}

function refuseUnlessPlain(_key: string, value: unknown): unknown {
  if (isPlain(value)) return value
  throw new TypeError('This cannot be compared as JSON.')
}

/** Does JSON tell it from every other? A `Set` is `{}` in it, whatever it has, `Infinity` is `null`, and a function nothing. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return !value.includes(undefined)
  if (typeof value === 'object') return value === null || Object.getPrototypeOf(value) === Object.prototype
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'function' && typeof value !== 'symbol'
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
