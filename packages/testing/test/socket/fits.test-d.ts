import type { Clock } from '@dnr/protocol'
import { expectTypeOf, test } from 'vitest'
import { type ClientEnd, type ManualClock, createSeededRandom } from '../../src/index.ts'

test('the manual clock is a Clock, the random source a function', () => {
  expectTypeOf<ManualClock>().toExtend<Clock>()
  expectTypeOf(createSeededRandom(1)).toEqualTypeOf<() => number>()
})

test('a browser WebSocket offers what the client end offers', () => {
  expectTypeOf<WebSocket['close']>().toExtend<ClientEnd['close']>()
  expectTypeOf<WebSocket['bufferedAmount']>().toExtend<ClientEnd['bufferedAmount']>()
})
