// Every HTTP path of the board. Rows are answered by @dnr/server; what is left is signing in, admin-routes.ts,
// operations and the page.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { RealtimeServer, Tickets } from '@dnr/server'
import { toNodeListener } from '@dnr/server/node'
import type { AdminRoutes } from './admin-routes.ts'
import { answerJson, answerProblem, answerText, readObject } from './answers.ts'
import type { MemberTeams } from './member-teams.ts'
import { formatMetrics } from './metrics.ts'
import { complaintAboutName, complaintAboutTeam, idOf, type Sessions, type SignedIn } from './session.ts'
import type { StaticFiles } from './static-files.ts'
import type { WhoAsks } from './who-asks.ts'

export interface Routes {
  readonly realtime: RealtimeServer
  readonly sessions: Sessions
  readonly tickets: Tickets<SignedIn>
  readonly teams: MemberTeams
  readonly whoAsks: WhoAsks
  readonly admin: AdminRoutes
  readonly files: StaticFiles
}

export function createRoutes(routes: Routes): RequestListener {
  const { realtime, sessions, tickets, teams, whoAsks, admin, files } = routes
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
    if (admin(path, request, response)) return
    if (path.startsWith('/api/')) return void answerRows(request, response)
    if (!isRead) return answerProblem(response, 405, 'method_not_allowed', 'Only GET here.', { allow: 'GET' })
    if (path === '/healthz') return void answerHealth(response)
    if (path === '/metrics') return answerText(response, 200, formatMetrics(realtime.stats()))
    if (files(path, request, response)) return
    answerText(response, 404, 'Not found.\n')
  }

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readObject(request, response, '{"name":"alice","team":"red"}')
    if (body === null) return
    const { name, team } = body
    const complaint = complaintAboutName(name) ?? complaintAboutTeam(team)
    if (complaint !== null) return answerProblem(response, 422, 'bad_field', complaint)
    const issuedAt = teams.issuedAt(idOf(name as string))
    answerJson(response, 200, sessions.open(name as string, team as string, issuedAt))
  }

  function whoAmI(request: IncomingMessage, response: ServerResponse): void {
    const user = whoAsks.user(request, response)
    if (user !== null) answerJson(response, 200, { user: teams.present(user) })
  }

  /** For who must put something into the URL of a WebSocket: `/ws?token=TICKET`, once and soon. */
  function sellTicket(request: IncomingMessage, response: ServerResponse): void {
    const user = whoAsks.user(request, response)
    if (user === null) return
    try {
      answerJson(response, 200, { ticket: tickets.issue(user) })
    } catch (error) {
      answerProblem(response, 429, 'rate_limited', (error as Error).message, { 'retry-after': '30' })
    }
  }

  async function answerHealth(response: ServerResponse): Promise<void> {
    const readiness = await realtime.readiness()
    if (readiness.ready) return answerJson(response, 200, readiness)
    const seconds = Math.ceil((readiness.retryAfterMs ?? 1_000) / 1_000)
    answerJson(response, 503, readiness, { 'retry-after': String(seconds) })
  }
}
