// How a subscriber who was away is told from one whose rights changed meanwhile. Holds counts of changes that the
// application told of; what a rule says by its key and fields it says by itself.
import { createHash } from 'node:crypto'
import { DnrError } from '@dnr/protocol'
import type { Grant } from './grant.ts'

/** Whose rights changed: one user's, those of everybody with this key of a rule, or those on one channel. */
export type RightsScope =
  | { readonly userId: string }
  | { readonly key: string }
  | { readonly channel: string }

export interface RightsStamps {
  /** From now on fingerprints of this scope are others. */
  changed(scope: RightsScope): void
  /** Names what somebody may see on a channel, without saying it: equal for equal rights. */
  fingerprint(grant: Grant | null, userId: string, channel: string): string
}

/** Scopes that are counted; beyond that all fingerprints become others. */
const MAX_SCOPES = 10_000
const FINGERPRINT_CHARACTERS = 22

export function createRightsStamps(): RightsStamps {
  const countByScope = new Map<string, number>()
  let generation = 0

  const countOf = (kind: string, name: string): number => countByScope.get(`${kind} ${name}`) ?? 0

  return {
    changed(scope) {
      const [[kind, name]] = Object.entries(scope) as [[string, string]]
      if (countByScope.size >= MAX_SCOPES) {
        countByScope.clear()
        generation++
      }
      countByScope.set(`${kind} ${name}`, countOf(kind, name) + 1)
    },
    fingerprint(grant, userId, channel) {
      const { key = '', fieldsKey = '' } = grant ?? {}
      const counts = [countOf('userId', userId), countOf('key', key.slice(1)), countOf('channel', channel)]
      const text = JSON.stringify([channel, key, fieldsKey, generation, ...counts])
      return createHash('sha256').update(text).digest('base64url').slice(0, FINGERPRINT_CHARACTERS)
    },
  }
}

/** A scope that names one thing. @throws DnrError `bad_option` */
export function checkScope(scope: RightsScope): RightsScope {
  const entries = Object.entries(scope)
  const [name, value] = entries[0] ?? []
  if (entries.length === 1 && typeof value === 'string' && /^(userId|key|channel)$/.test(name ?? ''))
    return scope
  throw new DnrError(
    'bad_option',
    `invalidate got { ${Object.keys(scope).join(', ')} }: expected { userId }, { key } or { channel }, as text.`,
  )
}
