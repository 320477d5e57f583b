import { effect, type ReadonlySignal } from '@preact/signals-core'

const PATIENCE_MS = 10_000

/** Resolves with the signal's value once it satisfies `isIt`; says what it was instead when that takes too long. */
export function until<Value>(
  signal: ReadonlySignal<Value>,
  isIt: (value: Value) => boolean,
  what = 'the value',
): Promise<Value> {
  return new Promise((resolve, reject) => {
    let stop = (): void => {}
    const timer = setTimeout(() => {
      stop()
      reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; it is ${JSON.stringify(signal.peek())}`))
    }, PATIENCE_MS)
    let isDone = false
    stop = effect(() => {
      const { value } = signal
      if (isDone || !isIt(value)) return
      isDone = true
      clearTimeout(timer)
      queueMicrotask(() => stop())
      resolve(value)
    })
  })
}
