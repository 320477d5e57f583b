import type { Principal } from '@dnr/protocol'

/**
 * Does a renewed session say other things of its user than before? When it ends makes no difference. Policies are asked
 * again then, which does no harm: what cannot be compared, such as a `Set` of roles, is taken for other.
 */
export function hasOtherRights(before: Principal, after: Principal): boolean {
  try {
    return describeRights(before) !== describeRights(after)
  } catch {
    return true
  }
}

function describeRights(principal: Principal): string {
  return JSON.stringify({ ...principal, expiresAt: null }, refuseUnlessPlain)
}

/** In JSON a `Set` is `{}`, whatever is in it. */
function refuseUnlessPlain(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (Object.getPrototypeOf(value) === Object.prototype) return value
  throw new TypeError('This cannot be compared as JSON.')
}
