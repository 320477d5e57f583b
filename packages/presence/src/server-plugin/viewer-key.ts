import type { Principal } from '@dnr/protocol'

/**
 * Names viewers by what a view could read of them: two sessions of one user with different rights are two, with equal
 * ones one. A principal that cannot be compared is like no other. When a session ends makes no difference.
 */
export function createViewerKey(): (viewer: Principal) => string | Principal {
  const known = new WeakMap<Principal, string | Principal>()
  return (viewer) => {
    const key = known.get(viewer) ?? describe(viewer) ?? viewer
    known.set(viewer, key)
    return key
  }
}

function describe(viewer: Principal): string | null {
  try {
    refuseUnlessPlain('', viewer)
    return JSON.stringify({ ...viewer, expiresAt: undefined }, refuseUnlessPlain)
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
