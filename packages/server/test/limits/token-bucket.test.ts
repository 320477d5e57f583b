import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolveLimits } from '../../src/limits/limits.ts'
import { createTokenBucket, nextTokenInMs, takeToken } from '../../src/limits/token-bucket.ts'

const limits = resolveLimits({ maxMessagesPerSecond: 10, maxMessageBurst: 20 })

test('allows a burst, refuses once, drops what was under way, then closes', () => {
  const bucket = createTokenBucket(limits, 0)
  const verdicts = Array.from({ length: 32 }, () => takeToken(bucket, limits, 0))
  expect(verdicts.slice(0, 20).every((verdict) => verdict === 'allow')).toBe(true)
  expect(verdicts.slice(20)).toEqual(['refuse', ...Array.from({ length: 9 }, () => 'drop'), 'close', 'close'])
})

test('says when the next token comes, and gives it then', () => {
  const bucket = createTokenBucket(limits, 0)
  for (let frame = 0; frame < 20; frame++) takeToken(bucket, limits, 0)
  expect(nextTokenInMs(bucket, limits)).toBe(100)
  expect(takeToken(bucket, limits, 100)).toBe('allow')
})

test('forgives once the bucket is full again', () => {
  const bucket = createTokenBucket(limits, 0)
  for (let frame = 0; frame < 25; frame++) takeToken(bucket, limits, 0)
  expect(takeToken(bucket, limits, 2_000)).toBe('allow')
  for (let frame = 0; frame < 19; frame++) takeToken(bucket, limits, 2_000)
  expect(takeToken(bucket, limits, 2_000)).toBe('refuse')
})

test('refuses aloud again once frames were allowed, and never drops one that nobody was told of', () => {
  const bucket = createTokenBucket(limits, 0)
  for (let frame = 0; frame < 22; frame++) takeToken(bucket, limits, 0)
  const verdicts = Array.from({ length: 12 }, () => takeToken(bucket, limits, 1_000))
  expect(verdicts).toEqual([...Array.from({ length: 10 }, () => 'allow'), 'refuse', 'drop'])
})

test('closes who goes on, also when frames are allowed in between', () => {
  const bucket = createTokenBucket(limits, 0)
  const verdicts = Array.from({ length: 60 }, (_, frame) => takeToken(bucket, limits, frame * 50))
  expect(verdicts.at(-1)).toBe('close')
})

test('never allows more than the burst and the rate together', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }), (pauses) => {
      const bucket = createTokenBucket(limits, 0)
      let now = 0
      let allowed = 0
      for (const pause of pauses) {
        now += pause
        if (takeToken(bucket, limits, now) === 'allow') allowed++
      }
      expect(allowed).toBeLessThanOrEqual(20 + (now * 10) / 1_000 + 1e-6)
    }),
  )
})

test('has no limit when it is switched off', () => {
  const unlimited = resolveLimits({ maxMessagesPerSecond: null })
  const bucket = createTokenBucket(unlimited, 0)
  for (let frame = 0; frame < 1_000; frame++) expect(takeToken(bucket, unlimited, 0)).toBe('allow')
})
