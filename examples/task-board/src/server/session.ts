// Who somebody is: signed tokens that need no table. For a demonstration: anybody may be anybody.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { DnrError } from '@dnr/protocol'
import { isTeam } from '../shared/task.ts'
import type { Session, User } from '../shared/user.ts'

/** A user as a token says it. The team is the one that was chosen then; see member-teams.ts for that of today. */
export interface SignedIn extends User {
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
}

export interface Sessions {
  /** A token for whoever asks. */
  open(name: string, team: string, issuedAt: number): Session
  /** Who a token was made for. @throws DnrError `unauthorized` when it was not made with this secret */
  verify(token: string): SignedIn
}

/** Tokens are `PAYLOAD.SIGNATURE`, both base64url: they hold as long as the secret stays the same. */
export function createSessions(secret: string): Sessions {
  const sign = (payload: string): string => createHmac('sha256', secret).update(payload).digest('base64url')
  return {
    open(name, team, issuedAt) {
      const user: User = { id: idOf(name), name, team }
      const payload = Buffer.from(JSON.stringify({ ...user, issuedAt })).toString('base64url')
      return { token: `${payload}.${sign(payload)}`, user }
    },
    verify(token) {
      const [payload = '', signature = '', ...rest] = token.split('.')
      if (rest.length > 0 || !isEqual(signature, sign(payload)))
        throw new DnrError('unauthorized', 'This token was not made here: sign in again.')
      const signedIn = JSON.parse(Buffer.from(payload, 'base64url').toString()) as User & Partial<SignedIn>
      return { ...signedIn, issuedAt: signedIn.issuedAt ?? 0 }
    },
  }
}

export function idOf(name: string): string {
  return name.toLowerCase()
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Why nobody can be called so, or `null` when somebody can. */
export function complaintAboutName(name: unknown): string | null {
  if (typeof name !== 'string') return 'name must be a text.'
  const { length } = Array.from(name)
  if (length < 1 || length > 64) return `name has ${length} characters: 1 to 64 are allowed.`
  return UNPRINTABLE.test(name) ? 'name has a character that cannot be printed.' : null
}

/** Why nobody has this id, or `null` when somebody may. Small letters can be more than the large ones they come from. */
export function complaintAboutId(id: unknown): string | null {
  if (typeof id !== 'string' || id === '') return 'id must be a text.'
  const bytes = Buffer.byteLength(id)
  if (bytes > MAX_ID_BYTES) return `id has ${bytes} bytes: at most ${MAX_ID_BYTES} are allowed.`
  return UNPRINTABLE.test(id) ? 'id has a character that cannot be printed.' : null
}

/** As many as a `user:` channel takes: those of any 64 characters. */
const MAX_ID_BYTES = 256

/** Why `team` cannot be signed in with, or `null` when it can. */
export function complaintAboutTeam(team: unknown): string | null {
  if (typeof team === 'string' && isTeam(team)) return null
  return 'team must be 1 to 64 characters that can be printed, at most 241 bytes: it is part of a channel’s name.'
}

// oxlint-disable-next-line no-control-regex -- naming them is the point
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u
