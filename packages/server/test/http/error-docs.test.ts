import { readFileSync } from 'node:fs'
import { DnrError, type ErrorCode } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { problemResponse } from '../../src/http/problem.ts'

/** Code and HTTP status of every line of the page that has one by itself, not at the upgrade and not by circumstance. */
const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
const statuses = [
  ...page.matchAll(/^\| `([a-z_]+)` \|.*\| (\d{3})(?: \(as `([a-z_]+)`\))? · [^|]*\|$/gm),
].map(([, code, status, httpName]) => [code as ErrorCode, Number(status), httpName ?? code] as const)

test.each(statuses)(
  'over HTTP %s is answered with the status that the page says',
  async (code, status, httpName) => {
    const response = problemResponse(new DnrError(code, 'No.', { retryable: status === 503 }))
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, httpName])
  },
)

test('the page has a status for the codes of HTTP', () => {
  expect(statuses.length).toBeGreaterThan(20)
})
