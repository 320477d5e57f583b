// Documents name the tests that hold what they say. Whether these exist, as a pure function over texts: see check-docs.ts.

/** A document, and where its paths begin that do not begin in the root. */
export interface Page {
  readonly name: string
  readonly text: string
  readonly shortFor?: string
}

/** Paths from the root and their texts: tests, and what they are made of. */
export type TestSources = ReadonlyMap<string, string>

/** Columns of which every row names a test, or refers to the row above. */
const TEST_COLUMNS = ['test', 'shown by']
const AS_ABOVE = 'the same'

/** `code`, or *a title*. */
const TOKENS = /`([^`]+)`|(?<![*\w])\*([^*`]+)\*(?!\*)/g

/**
 * One line for each test that a page names and nobody wrote; empty when all are there. A path is a code span; a title is in
 * italics after the path of its file, or of its folder, on the same line, as it stands in the source.
 */
export function findMissingTests(page: Page, sources: TestSources): string[] {
  return [...checkNames(page, sources), ...checkRows(page)]
}

function checkNames({ name, text, shortFor }: Page, sources: TestSources): string[] {
  return text.split('\n').flatMap((line, index) => {
    const place = `${name}:${index + 1}`
    let files: string[] | null = null
    return [...line.matchAll(TOKENS)].flatMap(([, code, title]) => {
      if (code !== undefined) {
        if (!isTestPath(code)) return []
        files = filesAt(code, shortFor, sources)
        return files.length > 0 ? [] : [`${place} names ${code}: there is no such test`]
      }
      if (title === undefined || files === null || files.length === 0) return []
      const isThere = files.some((file) => hasTitle(sources.get(file) ?? '', title))
      return isThere ? [] : [`${place} names the test "${title}": it is not where the page says`]
    })
  })
}

function isTestPath(code: string): boolean {
  return /^[\w./-]+$/.test(code) && (/\.test(-d)?\.tsx?$/.test(code) || /(^|\/)tests?\//.test(code))
}

/** A file, or all files below a folder. */
function filesAt(path: string, shortFor: string | undefined, sources: TestSources): string[] {
  const places = [path, ...(shortFor === undefined ? [] : [`${shortFor}/${path}`])]
  return [...sources.keys()].filter((file) =>
    places.some((place) => file === place || file.startsWith(place.endsWith('/') ? place : `${place}/`)),
  )
}

function hasTitle(source: string, title: string): boolean {
  return [`'`, `"`, '`'].some((quote) => source.includes(quote + title + quote))
}

function checkRows({ name, text }: Page): string[] {
  let isTable = false
  return text.split('\n').flatMap((line, index) => {
    const last = lastCell(line)
    if (last === null) isTable = false
    else if (TEST_COLUMNS.includes(last)) isTable = true
    else if (isTable && !/^-+$/.test(last) && last !== AS_ABOVE && !namesTest(last))
      return [`${name}:${index + 1} names no test`]
    return []
  })
}

function lastCell(line: string): string | null {
  if (!line.startsWith('|')) return null
  return line.split('|').at(-2)?.trim() ?? null
}

function namesTest(cell: string): boolean {
  return [...cell.matchAll(TOKENS)].some(([, code]) => code !== undefined && isTestPath(code))
}
