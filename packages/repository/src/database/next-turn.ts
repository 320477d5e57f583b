/** Settles in the next turn of the event loop, so that others are served in between. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
