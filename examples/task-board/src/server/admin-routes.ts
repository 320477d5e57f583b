// What admins may do beside the board: move people to another team, and ask why somebody got an event.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RealtimeServer } from '@dnr/server'
import type { TeamMessage } from '../shared/user.ts'
import { answerJson, answerProblem, readObject } from './answers.ts'
import type { MemberList } from './member-list.ts'
import type { MemberTeams } from './member-teams.ts'
import { complaintAboutId, complaintAboutTeam, idOf } from './session.ts'
import type { WhoAsks } from './who-asks.ts'

export interface AdminRoutesOptions {
  readonly realtime: RealtimeServer
  readonly teams: MemberTeams
  readonly memberList: Pick<MemberList, 'changed'>
  readonly whoAsks: WhoAsks
  /** Is there an `/api/explain`? For development alone. */
  readonly explains: boolean
}

/** Answers a request for one of its paths, and says whether it did. */
export type AdminRoutes = (path: string, request: IncomingMessage, response: ServerResponse) => boolean

export function createAdminRoutes(options: AdminRoutesOptions): AdminRoutes {
  const { realtime, teams, memberList, whoAsks, explains } = options

  /** Whom is said in the body: some names, such as `..`, cannot be part of a path. */
  const moveMember = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const admin = whoAsks.admin(request, response)
    if (admin === null) return
    const body = await readObject(request, response, '{"id":"alice","team":"blue"}')
    if (body === null) return
    const complaint = complaintAboutId(body['id']) ?? complaintAboutTeam(body['team'])
    if (complaint !== null) return answerProblem(response, 422, 'bad_field', complaint)
    const [id, team] = [idOf(body['id'] as string), body['team'] as string]
    await teams.move(id, team)
    // From here on nothing is sent by the rights of before; the pages of the user get the difference, and hear why.
    const settled = realtime.invalidate({ userId: id })
    const message: TeamMessage = { type: 'team', payload: { team, by: admin.name } }
    realtime.webSockets.sendToUser(id, message)
    memberList.changed()
    await settled
    answerJson(response, 200, { id, team })
  }

  const explain = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (whoAsks.admin(request, response) === null) return
    const asked = parseQuestion(request.url ?? '')
    if (asked === null)
      return answerProblem(response, 400, 'bad_request', `Ask ${EXAMPLE}; the offset may be absent.`)
    const { values } = realtime.webSockets.connections
    const user = [...values()].find(({ principal }) => principal?.id === asked.user)?.principal
    if (user == null)
      return answerProblem(
        response,
        404,
        'not_found',
        `${asked.user} is not connected: their team is not known.`,
      )
    answerJson(response, 200, await realtime.explain(user, asked.channel, asked.offset))
  }

  const guarded = (work: Promise<void>, response: ServerResponse): true => {
    work.catch((error: unknown) => {
      realtime.logger.error('A request of an admin failed.', { error })
      answerProblem(response, 503, 'busy', 'The database did not take it. Try again.', { 'retry-after': '1' })
    })
    return true
  }

  return (path, request, response) => {
    if (explains && path === '/api/explain' && request.method === 'GET')
      return guarded(explain(request, response), response)
    if (path !== '/api/members') return false
    if (request.method === 'PUT') return guarded(moveMember(request, response), response)
    answerProblem(response, 405, 'method_not_allowed', 'PUT moves a member.', { allow: 'PUT' })
    return true
  }
}

const EXAMPLE = '/api/explain?user=alice&channel=entity:Task&offset=42'

interface Question {
  readonly user: string
  readonly channel: string
  readonly offset?: number
}

function parseQuestion(url: string): Question | null {
  const { searchParams } = new URL(url, 'http://localhost')
  const [user, channel, offset] = ['user', 'channel', 'offset'].map((name) => searchParams.get(name))
  if (!user || !channel) return null
  if (offset == null) return { user, channel }
  return /^\d{1,15}$/.test(offset) ? { user, channel, offset: Number(offset) } : null
}
