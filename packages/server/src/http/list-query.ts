import { type AnyOrderBy, type AnyWhere, DnrError, jsonCodec } from '@dnr/protocol'
import { explainWhere, orderBySchema, whereSchema } from '@dnr/protocol/schemas'
import { checkQuery } from '../policy/check-query.ts'
import type { Grant } from '../policy/grant.ts'

/** Which rows a list asks for. */
export interface ListQuery {
  readonly where?: AnyWhere
  readonly orderBy?: AnyOrderBy
  readonly limit: number
  readonly after?: string
}

export const MAX_LIST_LIMIT = 500
const DEFAULT_LIST_LIMIT = 100
const MAX_CURSOR_LENGTH = 4_096
const PARAMETERS: ReadonlySet<string> = new Set(['where', 'orderBy', 'limit', 'after'])

/**
 * The query of a list from the parameters of its URL. A field that the asker may not see is
 * refused as one that does not exist, because filtering and sorting by a field tells its value.
 *
 * @throws DnrError `bad_query` naming the parameter.
 */
export function parseListQuery(parameters: URLSearchParams, grant: Grant): ListQuery {
  for (const name of new Set(parameters.keys())) {
    if (!PARAMETERS.has(name))
      throw bad(`there is no parameter "${name.slice(0, 64)}". Parameters: ${[...PARAMETERS].join(', ')}.`)
    if (parameters.getAll(name).length > 1) throw bad(`${name} is given more than once.`)
  }
  const where = parseWhere(parameters.get('where'), grant)
  const orderBy = parseOrderBy(parameters.get('orderBy'), grant.readable)
  const after = parseAfter(parameters.get('after'))
  return {
    limit: parseLimit(parameters.get('limit')),
    ...(where === undefined ? {} : { where }),
    ...(orderBy === undefined ? {} : { orderBy }),
    ...(after === undefined ? {} : { after }),
  }
}

function parseWhere(text: string | null, grant: Grant): AnyWhere | undefined {
  if (text === null) return undefined
  const json = parseJson('where', text)
  const parsed = whereSchema.safeParse(json)
  if (!parsed.success) throw new DnrError('bad_query', explainWhere(json))
  const checked = checkQuery(grant, parsed.data as AnyWhere)
  if (!checked.ok) throw new DnrError(checked.code, checked.message)
  return checked.value
}

function parseOrderBy(text: string | null, readable: ReadonlySet<string>): AnyOrderBy | undefined {
  if (text === null) return undefined
  const parsed = orderBySchema.safeParse(parseJson('orderBy', text))
  if (!parsed.success)
    throw bad(
      `orderBy${pathOf(parsed.error)}: expected JSON such as [["rank","asc"]], with at most 8 fields.`,
    )
  for (const [field] of parsed.data) {
    if (!readable.has(field))
      throw bad(`orderBy: there is no field "${field}". Fields: ${[...readable].join(', ')}.`)
  }
  return parsed.data
}

function parseLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIST_LIMIT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MAX_LIST_LIMIT) return limit
  throw bad(`limit is "${text.slice(0, 20)}": expected a whole number, 1 to ${MAX_LIST_LIMIT}.`)
}

function parseAfter(text: string | null): string | undefined {
  if (text === null) return undefined
  if (text !== '' && text.length <= MAX_CURSOR_LENGTH) return text
  throw bad('after is not the "next" of an earlier page.')
}

function parseJson(name: string, text: string): unknown {
  const decoded = jsonCodec.decode(text)
  if (decoded.ok) return decoded.value
  throw bad(`${name}: ${decoded.message.replace('The frame', 'it')}`)
}

function pathOf(error: { readonly issues: readonly { readonly path: readonly PropertyKey[] }[] }): string {
  const path = error.issues[0]?.path ?? []
  return path.map((key) => `.${String(key).slice(0, 64)}`).join('')
}

function bad(sentence: string): DnrError {
  return new DnrError('bad_query', sentence.charAt(0).toUpperCase() + sentence.slice(1))
}
