import { type AnyWhere, checkWhere, fieldKinds, type Parsed } from '@dnr/protocol'
import type { Grant } from './grant.ts'

/**
 * A condition on the rows of a grant: of fields that may be read, with values of their kinds. A field that may not be
 * read is refused as one that does not exist.
 */
export function checkQuery({ entity, readable }: Grant, where: AnyWhere): Parsed<AnyWhere> {
  const kinds = new Map(fieldKinds(entity)).set('version', 'number')
  return checkWhere(where, readable, kinds)
}
