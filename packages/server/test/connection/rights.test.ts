import type { Principal } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { hasOtherRights } from '../../src/connection/rights.ts'

const ann = { id: 'ann', team: 'red', roles: ['reader'], address: { city: 'Ulm' }, since: new Date(0) }
const circular: Record<string, unknown> = { id: 'ann' }
circular['self'] = circular

test.each<[what: string, before: object, after: object, isOther: boolean]>([
  ['the same', ann, structuredClone(ann), false],
  ['another end', { ...ann, expiresAt: 1 }, { ...ann, expiresAt: 2 }, false],
  ['an end where there was none', ann, { ...ann, expiresAt: 2 }, false],
  ['another team', ann, { ...ann, team: 'blue' }, true],
  ['another name', ann, { ...ann, name: 'Ann' }, true],
  ['one role less', ann, { ...ann, roles: [] }, true],
  ['something deep inside', ann, { ...ann, address: { city: 'Bonn' } }, true],
  ['another date', ann, { ...ann, since: new Date(1) }, true],
  ['a field that is gone', ann, { id: 'ann' }, true],
  ['no end to a number', { id: 'ann', quota: Infinity }, { id: 'ann', quota: null }, true],
  ['a number that is none', { id: 'ann', quota: NaN }, { id: 'ann', quota: null }, true],
  ['a place that holds nothing', { id: 'ann', roles: [undefined] }, { id: 'ann', roles: [null] }, true],
  ['symbols', { id: 'ann', role: Symbol('a') }, { id: 'ann', role: Symbol('b') }, true],
  ['sets, equal or not', { id: 'ann', roles: new Set() }, { id: 'ann', roles: new Set() }, true],
  ['what is no JSON', { id: 'ann', n: 1n }, { id: 'ann', n: 1n }, true],
  ['what contains itself', circular, circular, true],
])('%s', (_, before, after, isOther) => {
  expect(hasOtherRights(before as Principal, after as Principal)).toBe(isOther)
})
