// Requests over HTTP, with the server's own handler: what was answered is told to the checker, byte by byte.
import type { InvariantViolation } from '@dnr/testing'
import type { HttpAction } from '../program/operation.ts'
import type { ServerProcess } from './server-process.ts'
import type { World } from './world.ts'

export function request(world: World, server: ServerProcess, user: string, action: HttpAction): void {
  const { checker } = world
  const { changes } = world.standings
  const asked = requestOf(user, action)
  const answered = async (response: Response): Promise<void> => {
    const body = await response.text()
    // Nothing that a dead process would have said arrives.
    if (!server.isAlive) return
    const { status } = response
    const headers = Object.fromEntries(response.headers)
    world.note(`${user} http ${status} ${JSON.stringify(headers)} ${body}`)
    countAnswer(world, action, status)
    if (changes !== world.standings.changes) world.count('rights changed during a request')
    checker.answered({ principal: user, entity: action.entity, asked: textOf(asked), status, headers, body })
  }
  server.realtime
    .http(new Request(asked.url, asked))
    .then(answered)
    .catch((error: unknown) => world.fail(error as InvariantViolation))
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: string
}

function requestOf(user: string, { method, entity, id, query, fields, ifVersion }: HttpAction): Asked {
  const path = id === undefined ? entity : `${entity}/${encodeURIComponent(id)}`
  const parameters = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`
  return {
    method,
    url: `http://server/api/${path}${parameters}`,
    headers: {
      authorization: `Bearer ${user}`,
      ...(ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` }),
    },
    ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
  }
}

function textOf({ url, headers, body = '' }: Asked): string {
  return [decodeURIComponent(url), JSON.stringify(headers), body].join('\n')
}

function countAnswer(world: World, { method, id }: HttpAction, status: number): void {
  if (status === 412) world.count('version conflict over HTTP')
  else if (status >= 400) world.count('refused over HTTP')
  else if (method !== 'GET') world.count('write over HTTP')
  else world.count(id === undefined ? 'list over HTTP' : 'row over HTTP')
}
