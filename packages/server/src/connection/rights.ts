import type { Principal } from '@dnr/protocol'
import { describePrincipal } from '@dnr/internal'

/**
 * Does a renewed session say other things of its user than before? Policies are asked again then, which does no harm:
 * what cannot be compared is taken for other.
 */
export function hasOtherRights(before: Principal, after: Principal): boolean {
  const described = describePrincipal(before)
  return described === null || described !== describePrincipal(after)
}
