import { DnrError } from '@dnr/protocol'

/** The `ETag` of a row: its version in quotes. */
export function formatEtag(version: number): string {
  return `"${version}"`
}

/**
 * The version that `If-Match` asks for; `undefined` for `*` or no header, which any version satisfies.
 *
 * @throws DnrError `bad_request` for anything else: a condition that is not understood must not be ignored.
 */
export function parseIfMatch(header: string | null): number | undefined {
  if (header === null || header.trim() === '*') return undefined
  const version = /^"(0|[1-9]\d{0,14})"$/.exec(header.trim())?.[1]
  if (version !== undefined) return Number(version)
  throw new DnrError('bad_request', 'If-Match takes one ETag of this row, such as "3", or *.')
}
