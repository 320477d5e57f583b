import type { IncomingMessage, ServerResponse } from 'node:http'
import { DnrError } from '@dnr/protocol'
import { ADMIN } from '../shared/user.ts'
import { answerProblem } from './answers.ts'
import type { MemberTeams } from './member-teams.ts'
import type { Sessions, SignedIn } from './session.ts'

/** Says who asks; `null` when it is nobody who may, who has then been answered. */
export interface WhoAsks {
  user(request: IncomingMessage, response: ServerResponse): SignedIn | null
  admin(request: IncomingMessage, response: ServerResponse): SignedIn | null
}

export function createWhoAsks(sessions: Sessions, { teamOf }: Pick<MemberTeams, 'teamOf'>): WhoAsks {
  const user: WhoAsks['user'] = ({ headers }, response) => {
    const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
    try {
      if (token === undefined) throw new DnrError('unauthorized', 'Send Authorization: Bearer TOKEN.')
      return sessions.verify(token)
    } catch (error) {
      answerProblem(response, 401, 'unauthorized', (error as Error).message, { 'www-authenticate': 'Bearer' })
      return null
    }
  }
  return {
    user,
    admin(request, response) {
      const asking = user(request, response)
      if (asking === null || teamOf(asking) === ADMIN) return asking
      answerProblem(response, 403, 'forbidden', `This is for the team ${ADMIN}.`)
      return null
    },
  }
}
