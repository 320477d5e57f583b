/**
 * Calls `callback` when the work at hand is done: promises that are due now may have more to say, and the next tick of
 * the process comes after them, and before any input. In the order of the calls.
 */
export function afterTick(callback: () => void): void {
  queueMicrotask(() => process.nextTick(callback))
}
