// What the headers of a write say. A condition or a key that is not understood is refused, never ignored.
import { DnrError } from '@dnr/protocol'
import { parseIfMatch } from './etag.ts'

/** The idempotency key is the mutation's id. @throws DnrError `bad_request`. */
export function mutationIdOf({ headers }: Request): { mutationId?: string } {
  const mutationId = headers.get('idempotency-key')
  if (mutationId === null) return {}
  if (/^[\x21-\x7e]{1,128}$/.test(mutationId)) return { mutationId }
  throw new DnrError('bad_request', 'Idempotency-Key takes 1 to 128 visible ASCII characters.')
}

const OTHER_CONDITIONS = ['If-None-Match', 'If-Unmodified-Since'] as const

/** The version that `If-Match` asks for. @throws DnrError `bad_request`, also for conditions of another kind. */
export function conditionOf({ headers }: Request): { ifVersion?: number } {
  const other = OTHER_CONDITIONS.find((name) => headers.has(name))
  if (other !== undefined)
    throw new DnrError('bad_request', `${other}: a write takes no condition but If-Match. Leave it out.`)
  const ifVersion = parseIfMatch(headers.get('if-match'))
  return ifVersion === undefined ? {} : { ifVersion }
}

/** A row that is to be made has no version. @throws DnrError `bad_request`. */
export function checkNoCondition(request: Request): void {
  if (conditionOf(request).ifVersion === undefined) return
  throw new DnrError(
    'bad_request',
    'If-Match: a new row has no version that could be expected. Leave it out.',
  )
}

/** @throws DnrError `bad_query` naming the first parameter of the URL. */
export function checkNoParameters({ searchParams }: URL): void {
  const [name] = searchParams.keys()
  if (name === undefined) return
  throw new DnrError(
    'bad_query',
    `This request takes no parameters: there is no parameter "${name.slice(0, 64)}".`,
  )
}
