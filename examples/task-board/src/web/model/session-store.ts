// Who this tab is signed in as. A tab of its own can be somebody else; what is remembered is for tabs that are nobody yet.
import type { Session, User } from '../../shared/user.ts'

const KEY = 'task-board.session'

export function readSession(): Session | null {
  return parseSession(sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY))
}

function parseSession(text: string | null): Session | null {
  try {
    return text === null ? null : (JSON.parse(text) as Session)
  } catch {
    return null
  }
}

export function keepSession(session: Session, isRemembered: boolean): void {
  sessionStorage.setItem(KEY, JSON.stringify(session))
  if (isRemembered) localStorage.setItem(KEY, JSON.stringify(session))
}

/** I am in another team now; a reload begins there. */
export function keepTeam(team: string): void {
  const own = readSession()
  for (const storage of [sessionStorage, localStorage]) {
    const session = parseSession(storage.getItem(KEY))
    // What is remembered for the next tab can be somebody else's.
    if (session === null || session.token !== own?.token) continue
    storage.setItem(KEY, JSON.stringify({ ...session, user: { ...session.user, team } }))
  }
}

export function forgetSession(): void {
  sessionStorage.removeItem(KEY)
  localStorage.removeItem(KEY)
}

/** Asks the server for a session. @throws Error whose message can be shown */
export async function requestSession(name: string, team: string): Promise<Session> {
  return (await askServer('POST', '/api/session', { body: { name, team } })) as Session
}

/** The team that this token's user is in now; `null` when the server does not say. */
export async function requestTeam(token: string): Promise<string | null> {
  const answer = await askServer('GET', '/api/session', { token }).catch(() => null)
  return (answer as { readonly user: User } | null)?.user.team ?? null
}

/** @throws Error whose message can be shown */
export async function askServer(
  method: string,
  path: string,
  { token, body }: { readonly token?: string; readonly body?: object },
): Promise<unknown> {
  const response = await fetch(path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Error('The server does not answer. Is it running?')
  })
  if (response.ok) return response.json()
  const problem = (await response.json().catch(() => null)) as { readonly detail?: string } | null
  throw new Error(problem?.detail ?? `The server answered ${response.status}.`)
}
