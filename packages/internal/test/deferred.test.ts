import { expect, test } from 'vitest'
import { createDeferred } from '../src/deferred.ts'

test('resolves from outside, and the first settlement counts', async () => {
  const deferred = createDeferred<number>()
  deferred.resolve(1)
  deferred.resolve(2)
  deferred.reject(new Error('too late'))
  await expect(deferred.promise).resolves.toBe(1)
})

test('rejects from outside', async () => {
  const deferred = createDeferred()
  const reason = new Error('lost')
  deferred.reject(reason)
  await expect(deferred.promise).rejects.toBe(reason)
})
