import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createChains } from '../../src/connection/chains.ts'

test('who took the same steps has the same whole, whatever steps others took', () => {
  const parts = ['a', 'bb', 'ccc'].map((text) => ({ text }))
  const sequence = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(sequence, { minLength: 1, maxLength: 20 }), (sequences) => {
      const { start, append, wholeOf } = createChains(
        ({ text }: { text: string }) => text.length,
        (joined, bytes) => ({ text: joined.map(({ text }) => text).join(''), bytes }),
      )
      const empty = start()
      const wholes = new Map<string, object>()
      for (const wanted of sequences) {
        const text = wanted.map((part) => part.text).join('')
        const whole = wholeOf(wanted.reduce(append, empty))
        expect(whole).toEqual({ text, bytes: text.length })
        expect(wholes.get(text) ?? whole).toBe(whole)
        wholes.set(text, whole)
      }
    }),
  )
})
