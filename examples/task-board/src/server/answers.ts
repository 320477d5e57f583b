// How the board reads a request's body and answers: text, JSON, and problems (RFC 9457).
import type { IncomingMessage, ServerResponse } from 'node:http'

const MAX_BODY_BYTES = 4_096

/** The body, or `null` when it is too big. A request that breaks off answers nobody. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
    }
  } catch {
    return ''
  }
  return size > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString()
}

/** The body as an object; `null` when it is none, and has been answered. `example` says what was expected. */
export async function readObject(
  request: IncomingMessage,
  response: ServerResponse,
  example: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await readBody(request)
  const body = text === null ? null : parseObject(text)
  if (text === null)
    answerProblem(response, 413, 'too_big', `The body has more than ${MAX_BODY_BYTES} bytes.`)
  else if (body === null) answerProblem(response, 400, 'bad_json', `Send JSON such as ${example}.`)
  return body
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

type Headers = Readonly<Record<string, string>>

export function answerText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
    .end(text)
}

export function answerJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Headers = {},
): void {
  const fixed = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
  response.writeHead(status, { ...fixed, ...headers }).end(JSON.stringify(value))
}

export function answerProblem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Headers = {},
): void {
  const problem = { type: 'about:blank', title: code.replaceAll('_', ' '), status, detail, code }
  answerJson(response, status, problem, { 'content-type': 'application/problem+json', ...headers })
}
