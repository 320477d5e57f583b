import { globalAgent } from 'node:http'
import { ask } from '../processes/ask.ts'

/** A token of the board for this user, who is in this team. */
export async function signIn(port: number, name: string, team: string): Promise<string> {
  const request = { method: 'POST', path: '/api/session', body: { name, team } } as const
  const reply = await ask(globalAgent, port, request)
  const token = reply?.body['token']
  if (typeof token !== 'string') throw new Error(`${name} could not sign in: ${JSON.stringify(reply)}`)
  return token
}
