import { DnrError, isEntityName, isRowId } from '@dnr/protocol'

/** What a path names: the rows of an entity, or one row. */
export type Route =
  | { readonly kind: 'rows'; readonly entity: string }
  | { readonly kind: 'row'; readonly entity: string; readonly id: string }

/** Methods by what the path names, as the `Allow` header lists them. */
export const METHODS = {
  rows: ['GET', 'HEAD', 'POST'],
  row: ['GET', 'HEAD', 'PATCH', 'DELETE'],
} as const satisfies Record<Route['kind'], readonly string[]>

/**
 * Takes the path of a URL apart: `{basePath}/{Entity}` or `{basePath}/{Entity}/{id}`; `null` for any other.
 *
 * @throws DnrError `bad_request` for a path with a broken `%` sequence.
 */
export function parseRoute(pathname: string, basePath: string): Route | null {
  if (!pathname.startsWith(`${basePath}/`)) return null
  const segments = pathname
    .slice(basePath.length + 1)
    .split('/')
    .map(decodeSegment)
  const [entity = '', id] = segments
  if (segments.length > 2 || !isEntityName(entity)) return null
  if (id === undefined) return { kind: 'rows', entity }
  return isRowId(id) ? { kind: 'row', entity, id } : null
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new DnrError('bad_request', 'The path has a "%" that is not followed by the code of a character.', {
      cause,
    })
  }
}

/** The path without a slash at its end. @throws DnrError `bad_option`. */
export function checkBasePath(basePath: string): string {
  const path = basePath.replace(/\/+$/, '')
  if (path === '' || /^(\/[\w.~-]+)+$/.test(path)) return path
  throw new DnrError(
    'bad_option',
    `basePath is "${basePath}": expected a path such as "/api", or "" for the root.`,
  )
}
