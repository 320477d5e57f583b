import { expect, test } from 'vitest'
import { findMissingTests } from '../named-tests.ts'

const sources = new Map([
  ['packages/server/test/a/one.test.ts', `test('says hello', () => {})\ntest("who's there", () => {})`],
  ['tests/flow/test/two.test.ts', 'test(`${count} times`, () => {})'],
])
const missingIn = (text: string, shortFor?: string): string[] =>
  findMissingTests({ name: 'page.md', text, ...(shortFor !== undefined && { shortFor }) }, sources)

test('files and folders that are there, in full and in short', () => {
  expect(missingIn('`packages/server/test/a/one.test.ts` · `tests/flow/test/` · `tests/flow/test`')).toEqual(
    [],
  )
  expect(missingIn('`a/one.test.ts` · `tests/flow/test/two.test.ts`', 'packages/server/test')).toEqual([])
})

test('a file or folder that is not there is named with its line', () => {
  expect(missingIn('# Page\n`tests/flow/test/three.test.ts`, `tests/flo/`')).toEqual([
    'page.md:2 names tests/flow/test/three.test.ts: there is no such test',
    'page.md:2 names tests/flo/: there is no such test',
  ])
  expect(missingIn('`a/one.test.ts`')).toHaveLength(1)
})

test('titles in italics belong to the path before them, whole and as the source has them', () => {
  expect(missingIn("`packages/server/test/a/one.test.ts` (*says hello*, *who's there*)")).toEqual([])
  expect(missingIn('`tests/flow/test/`: *${count} times*')).toEqual([])
  expect(
    missingIn('`packages/server/test/a/one.test.ts` *says hell* `tests/flow/test/` *says hello*'),
  ).toEqual([
    'page.md:1 names the test "says hell": it is not where the page says',
    'page.md:1 names the test "says hello": it is not where the page says',
  ])
})

test('what is no path and no title is left alone', () => {
  expect(
    missingIn('`pnpm test:simulate --runs 100`, `server/test/…`, *stress*, **bold** `connected`'),
  ).toEqual([])
})

test('every row of a table of tests names one, or refers to the row above', () => {
  const table = (cell: string): string => `| attack | shown by |\n| --- | --- |\n| a | ${cell} |\n\n| b | c |`
  expect(missingIn(table('`tests/flow/test/two.test.ts`'))).toEqual([])
  expect(missingIn(table('the same'))).toEqual([])
  expect(missingIn(table('not tested'))).toEqual(['page.md:3 names no test'])
})
