import { utf8Bytes } from '@dnr/protocol'

/** On every answer: it is meant for one principal, and is never anything but what its type says. */
export const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** A JSON answer. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = JSON.stringify(value)
  return new Response(text, {
    status,
    headers: {
      ...COMMON_HEADERS,
      'content-type': 'application/json',
      'content-length': String(utf8Bytes(text)),
      ...headers,
    },
  })
}

/** An answer without a body. */
export function emptyResponse(headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 204, headers: { ...COMMON_HEADERS, ...headers } })
}
