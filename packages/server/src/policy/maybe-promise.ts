/** A value, now or later. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Goes on with a value: at once when it is there, so that what needs no waiting is answered in the order it came.
 */
export function whenReady<T, R>(
  value: MaybePromise<T>,
  goOn: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(goOn) : goOn(value)
}
