// The built page. Only names that were there at the start are served, so no path can lead out of the folder.
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Answers GET and HEAD of a file under `folder`; false when there is none of that path. */
export type StaticFiles = (path: string, request: IncomingMessage, response: ServerResponse) => boolean

/** Reads the folder once. Vite puts a hash into every name under /assets/: those are kept by browsers for a year. */
export function createStaticFiles(folder: string): StaticFiles {
  const bodies = readFiles(folder)
  return (path, request, response) => {
    const name = path === '/' ? '/index.html' : path
    const body = bodies.get(name)
    if (body === undefined) return false
    const cacheControl = name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    response.writeHead(200, {
      ...HEADERS,
      'content-type': CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
      'content-length': body.length,
      'cache-control': cacheControl,
    })
    response.end(request.method === 'HEAD' ? undefined : body)
    return true
  }
}

function readFiles(folder: string): ReadonlyMap<string, Buffer> {
  const bodies = new Map<string, Buffer>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    bodies.set(file.slice(folder.length).replaceAll(sep, '/').replace(/^\/?/, '/'), readFileSync(file))
  }
  return bodies
}
