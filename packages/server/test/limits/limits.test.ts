import { DEFAULT_LIMITS } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.ts'

test('has the defaults of the protocol', () => {
  expect(resolveLimits()).toEqual(DEFAULT_LIMITS)
})

test('takes null for no limit', () => {
  expect(resolveLimits({ maxQueueBytes: null }).maxQueueBytes).toBe(Number.POSITIVE_INFINITY)
})

test.each<[LimitOptions, string | RegExp]>([
  [{ maxQueueBytes: 0 }, 'limits.maxQueueBytes is 0: expected a whole number, 1 or more.'],
  [{ maxFrameBytes: 1.5 }, 'limits.maxFrameBytes is 1.5: expected a whole number, 1 or more.'],
  [
    { maxFrameBytes: '9' as unknown as number },
    'limits.maxFrameBytes is 9: expected a whole number, 1 or more.',
  ],
  [{ maxFoo: 3 } as LimitOptions, /limits\.maxFoo is no limit\. Limits: maxSubscriptionsPerConnection,/],
])('names option, value and range of %j', (options, message) => {
  expect(() => resolveLimits(options)).toThrowError(message)
})
