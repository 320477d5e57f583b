import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memo } from '../../src/channel/memo.ts'

test('each key has what was kept for it, and others have nothing', () => {
  const keys = ['', 'a', 'b', 'c']
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...keys)), (kept) => {
      const memo = new Memo<string>()
      const known = new Map<string, string>()
      for (const [index, key] of kept.entries()) {
        if (known.has(key)) continue
        const value = `${key}${index}`
        expect(memo.keep(key, value)).toBe(value)
        known.set(key, value)
        for (const each of keys) expect(memo.get(each)).toBe(known.get(each))
      }
    }),
  )
})
