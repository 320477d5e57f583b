import { formatPosition } from '@dnr/protocol'
import type { WriteAnswer } from '../writes/write-service.ts'
import { formatEtag } from './etag.ts'
import { emptyResponse, jsonResponse } from './json-response.ts'

/**
 * The answer to a write: its position, and the row if its author may see it. `collection`: the path of the entity, for
 * the `Location` of what was created.
 */
export function writeResponse(status: 200 | 201 | 204, answer: WriteAnswer, collection?: string): Response {
  const { row, position } = answer
  const headers = { 'dnr-position': formatPosition(position) }
  if (status === 204 || row === null) return emptyResponse(headers)
  const location = collection === undefined ? {} : { location: `${collection}/${encodeURIComponent(row.id)}` }
  return jsonResponse(status, row, { ...headers, ...location, etag: formatEtag(row.version) })
}
