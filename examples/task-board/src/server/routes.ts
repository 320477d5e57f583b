// Every HTTP path of the board. Rows are answered by @dnr/server; what is left is signing in, operations and the page.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { DnrError } from '@dnr/protocol'
import type { RealtimeServer, Tickets } from '@dnr/server'
import { toNodeListener } from '@dnr/server/node'
import type { User } from '../shared/user.ts'
import { formatMetrics } from './metrics.ts'
import { complaintAboutName, complaintAboutTeam, type Sessions } from './session.ts'
import type { StaticFiles } from './static-files.ts'

export interface Routes {
  readonly realtime: RealtimeServer
  readonly sessions: Sessions
  readonly tickets: Tickets<User>
  readonly files: StaticFiles
}

const MAX_BODY_BYTES = 4_096

export function createRoutes({ realtime, sessions, tickets, files }: Routes): RequestListener {
  const answerRows = toNodeListener(realtime.http)

  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/'
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (path === '/api/session') {
      if (request.method === 'POST') return void signIn(request, response)
      if (isRead) return whoAmI(request, response)
      return answerProblem(response, 405, 'method_not_allowed', 'POST signs in, GET says who you are.', {
        allow: 'GET, POST',
      })
    }
    if (path === '/api/ticket' && request.method === 'POST') return sellTicket(request, response)
    if (path.startsWith('/api/')) return void answerRows(request, response)
    if (!isRead) return answerProblem(response, 405, 'method_not_allowed', 'Only GET here.', { allow: 'GET' })
    if (path === '/healthz') return void answerHealth(response)
    if (path === '/metrics') return answerText(response, 200, formatMetrics(realtime.stats()))
    if (files(path, request, response)) return
    answerText(response, 404, 'Not found.\n')
  }

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request)
    if (text === null)
      return answerProblem(response, 413, 'too_big', `The body has more than ${MAX_BODY_BYTES} bytes.`)
    const body = parseObject(text)
    if (body === null)
      return answerProblem(response, 400, 'bad_json', 'Send JSON such as {"name":"alice","team":"red"}.')
    const { name, team } = body
    const complaint = complaintAboutName(name) ?? complaintAboutTeam(team)
    if (complaint !== null) return answerProblem(response, 422, 'bad_field', complaint)
    answerJson(response, 200, sessions.open(name as string, team as string))
  }

  function whoAmI(request: IncomingMessage, response: ServerResponse): void {
    const user = userOf(request, response)
    if (user !== null) answerJson(response, 200, { user })
  }

  /** For who must put something into the URL of a WebSocket: `/ws?token=TICKET`, once and soon. */
  function sellTicket(request: IncomingMessage, response: ServerResponse): void {
    const user = userOf(request, response)
    if (user === null) return
    try {
      answerJson(response, 200, { ticket: tickets.issue(user) })
    } catch (error) {
      answerProblem(response, 429, 'rate_limited', (error as Error).message, { 'retry-after': '30' })
    }
  }

  /** Who asks; `null` when that is nobody, who has then been answered. */
  function userOf({ headers }: IncomingMessage, response: ServerResponse): User | null {
    const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
    try {
      if (token === undefined) throw new DnrError('unauthorized', 'Send Authorization: Bearer TOKEN.')
      return sessions.verify(token)
    } catch (error) {
      answerProblem(response, 401, 'unauthorized', (error as Error).message, { 'www-authenticate': 'Bearer' })
      return null
    }
  }

  async function answerHealth(response: ServerResponse): Promise<void> {
    const readiness = await realtime.readiness()
    if (readiness.ready) return answerJson(response, 200, readiness)
    const seconds = Math.ceil((readiness.retryAfterMs ?? 1_000) / 1_000)
    answerJson(response, 503, readiness, { 'retry-after': String(seconds) })
  }
}

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

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

type Headers = Readonly<Record<string, string>>

function answerText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
    .end(text)
}

function answerJson(response: ServerResponse, status: number, value: unknown, headers: Headers = {}): void {
  const fixed = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
  response.writeHead(status, { ...fixed, ...headers }).end(JSON.stringify(value))
}

function answerProblem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Headers = {},
): void {
  const problem = { type: 'about:blank', title: code.replaceAll('_', ' '), status, detail, code }
  answerJson(response, status, problem, { 'content-type': 'application/problem+json', ...headers })
}
