// Who this tab is signed in as. A tab of its own can be somebody else; what is remembered is for tabs that are nobody yet.
import type { Session } from '../../shared/user.ts'

const KEY = 'task-board.session'

export function readSession(): Session | null {
  const text = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY)
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

export function forgetSession(): void {
  sessionStorage.removeItem(KEY)
  localStorage.removeItem(KEY)
}

/** Asks the server for a session. @throws Error whose message can be shown */
export async function requestSession(name: string, team: string): Promise<Session> {
  const response = await fetch('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, team }),
  }).catch(() => {
    throw new Error('The server does not answer. Is it running?')
  })
  if (response.ok) return (await response.json()) as Session
  const problem = (await response.json().catch(() => null)) as { readonly detail?: string } | null
  throw new Error(problem?.detail ?? `The server answered ${response.status}.`)
}
