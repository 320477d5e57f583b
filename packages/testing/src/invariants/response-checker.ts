// What a request over HTTP is answered: body, headers and problem texts tell nothing but what may be read at this moment. Holds
// nothing. An ETag is the version of a row, so it stands beside that row alone.
import type { WireRow } from '@dnr/protocol'
import type { CommittedLog } from './committed-log.ts'
import type { HeldRights } from './held-rights.ts'
import type { LeakWatch } from './leak-checker.ts'
import { createSight, isSameRow } from './rights.ts'
import type { Wrong } from './wire-sequence.ts'

/** A request that was answered, in the form of text. */
export interface Exchange {
  readonly principal: string
  readonly entity: string
  /** Everything that was sent: method, URL, headers, body. What stands in it may be repeated. */
  readonly asked: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface ResponseParts {
  readonly log: CommittedLog
  readonly rights: HeldRights
  /** Of this request alone. */
  readonly leaks: LeakWatch | null
}

/** A list, a row, or a problem. */
type Body = Partial<WireRow> & {
  readonly rows?: readonly WireRow[]
  readonly next?: string
  readonly current?: WireRow
}

/** What is wrong with the answer; `null`: nothing. */
export function checkResponse(exchange: Exchange, { log, rights, leaks }: ResponseParts): Wrong | null {
  const { principal, entity, asked, status, headers, body } = exchange
  const parsed = body === '' ? {} : (JSON.parse(body) as Body)
  const rows = rowsOf(parsed, headers['content-type'] === 'application/problem+json')
  const { 'dnr-position': _position, ...others } = headers
  leaks?.said(asked)
  const text = [JSON.stringify(others), body, cursorText(parsed.next)].join('\n')
  const marker = leaks?.findLeakIn(text, rows) ?? null
  if (marker !== null) return { what: `${marker} may not be read at this moment` }
  const held = rights.heldSince(rights.now(), principal, entity).at(-1) ?? null
  if (held === null && rows.length > 0) return { what: `${status} with rows, without any right` }
  const hidden = rows.find((row) => held === null || !isShown(row, entity, createSight(held), log))
  if (hidden !== undefined) return { what: `row ${hidden.id} may not be seen, or is not in the log` }
  const { etag } = headers
  if (etag !== undefined && !(rows.length === 1 && etag === `"${rows[0]?.version}"`))
    return { what: `the ETag ${etag} is not that of the row in the body` }
  return null
}

function rowsOf(body: Body, isProblem: boolean): readonly WireRow[] {
  if (isProblem) return body.current === undefined ? [] : [body.current]
  if (body.rows !== undefined) return body.rows
  return body.id === undefined ? [] : [body as WireRow]
}

function isShown(
  row: WireRow,
  entity: string,
  sight: ReturnType<typeof createSight>,
  log: CommittedLog,
): boolean {
  return log
    .imagesEver(entity, row.id)
    .some((image) => sight.sees(image) && isSameRow(sight.show(image), row))
}

/** In every runtime, but not in every one's types. */
const host = globalThis as unknown as { atob(text: string): string }

/** A cursor says where a row stands: what it was made of is looked at, too. */
function cursorText(next: string | undefined): string {
  if (next === undefined) return ''
  try {
    return host.atob(next.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return next
  }
}
