// Whom a change of rights is about.
import type { Connection } from '../connection/connection.ts'
import { type Attempt, type Group, isOpened, type Subscription } from './subscription.ts'

export interface Affected {
  readonly subscriptions: readonly Subscription[]
  readonly attempts: readonly { readonly connection: Connection; readonly attempt: Attempt }[]
}

/** All who hear what a group hears. */
export function membersOf({ members }: Group): Affected {
  const attempts = members.flatMap((member) => {
    const attempt = member.connection.attempts?.get(member.key)
    return attempt?.subscription === member ? [{ connection: member.connection, attempt }] : []
  })
  return { subscriptions: members.filter(isOpened), attempts }
}
