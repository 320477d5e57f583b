import type { Attempt, SubscribeRequest } from './subscription.ts'

/** A subscribe that has just come; or, when the server itself asks about a subscription, one that has been answered. */
export function newAttempt(key: string, request: SubscribeRequest, isRecheck = false): Attempt {
  return {
    key,
    request,
    subscription: null,
    isAnnounced: isRecheck,
    hasEnded: false,
    isRecheck,
    isOutdated: false,
    doubt: null,
    joined: [],
    result: null,
    restarted: null,
  }
}
