import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonCodec, MAX_NESTING } from '../../src/codec/codec.ts'

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe('jsonCodec', () => {
  test('gives back what it encoded', () => {
    const value = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.jsonValue({ maxDepth: 6 }).filter((inner) => !JSON.stringify(inner).includes('__proto__')),
    )
    fc.assert(
      fc.property(value, (message) => {
        const sent = JSON.parse(JSON.stringify(message)) as unknown
        expect(jsonCodec.decode(jsonCodec.encode(message))).toEqual({ ok: true, value: sent })
      }),
    )
  })

  test('never throws, whatever comes', () => {
    const broken = fc
      .tuple(fc.json(), fc.nat(), fc.string())
      .map(([json, at, junk]) => json.slice(0, at % (json.length + 1)) + junk)
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), broken), (frame) => {
        const decoded = jsonCodec.decode(frame)
        if (!decoded.ok) expect(['bad_json', 'bad_message']).toContain(decoded.code)
        else expect(decoded.value).toEqual(JSON.parse(frame))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    '',
    ' ',
    '{',
    'nope',
    "{'a':1}",
    '{"a":1,}',
    'undefined',
    'NaN',
    '{"a":1}{"b":2}',
    '\ufeff{}',
    '{"a":"\n"}',
  ])('%j is not JSON', (frame) => {
    expect(jsonCodec.decode(frame)).toMatchObject({ ok: false, code: 'bad_json' })
  })

  test(`takes ${MAX_NESTING} levels and refuses one more`, () => {
    expect(jsonCodec.decode(nested(MAX_NESTING)).ok).toBe(true)
    expect(jsonCodec.decode(nested(MAX_NESTING + 1))).toMatchObject({ ok: false, code: 'bad_message' })
    expect(jsonCodec.decode(`${'{"a":'.repeat(MAX_NESTING)}1${'}'.repeat(MAX_NESTING)}`).ok).toBe(true)
    expect(jsonCodec.decode(`${'{"a":'.repeat(MAX_NESTING + 1)}1${'}'.repeat(MAX_NESTING + 1)}`).ok).toBe(
      false,
    )
  })

  test('a frame of opening brackets is refused without recursion', () => {
    expect(jsonCodec.decode('['.repeat(60_000))).toMatchObject({ ok: false })
    expect(jsonCodec.decode('{"a":'.repeat(10_000))).toMatchObject({ ok: false })
  })

  test('brackets inside text do not count', () => {
    const text = JSON.stringify({ title: '[{'.repeat(100), 'a\\"[': '\\' })
    expect(jsonCodec.decode(text).ok).toBe(true)
    expect(jsonCodec.decode(`["\\\\",${nested(MAX_NESTING)}]`).ok).toBe(false)
    expect(jsonCodec.decode(`["\\"",${nested(MAX_NESTING)}]`).ok).toBe(false)
  })

  test.each([
    '{"__proto__":{"admin":true}}',
    '{"a":[{"b":{"__proto__":null}}]}',
    '{"\\u005f\\u005fproto\\u005f\\u005f":1}',
    '[{"__proto__":[]}]',
  ])('refuses the key in %s', (frame) => {
    expect(jsonCodec.decode(frame)).toMatchObject({ ok: false, code: 'bad_message' })
  })

  test('__proto__ as a value is only text', () => {
    expect(jsonCodec.decode('{"title":"__proto__","note":"\\u0041"}').ok).toBe(true)
  })
})
