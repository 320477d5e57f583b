/**
 * Calls `callback` when the work at hand is done: promises that are due now may have more to say, and the next tick of
 * the process comes after them, and before any input. In the order of the calls.
 */
export function afterTick(callback: () => void): void {
  // Not `queueMicrotask`, which makes an asynchronous context for each of thousands.
  void settled.then(() => process.nextTick(callback))
}

const settled = Promise.resolve()
