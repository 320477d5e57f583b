// Somebody's rights are others from now on: whom that concerns. Holds nothing; next: channel/recheck.ts.
import type { Affected } from '../channel/affected.ts'
import type { Channels } from '../channel/channel-manager.ts'
import { type Attempt, type Group, isOpened, type Subscription } from '../channel/subscription.ts'
import type { Connection } from '../connection/connection.ts'
import type { Connections } from '../connection/web-socket-manager.ts'
import type { RightsScope, RightsStamps } from '../policy/rights-stamps.ts'

export interface RightsChangesOptions {
  readonly connections: Pick<Connections, 'all' | 'ofUser'>
  readonly channels: Channels
  readonly rights: RightsStamps
}

/** Asks the policies again for everybody whom a change of rights concerns; resolves when all of them are up to date. */
export function createRightsChanges({
  connections,
  channels,
  rights,
}: RightsChangesOptions): (scopes: readonly RightsScope[]) => Promise<void> {
  return (scopes) => {
    for (const scope of scopes) rights.changed(scope)
    return channels.recheck(together(scopes.map((scope) => affectedBy(scope, connections, channels))))
  }
}

/** Each once, whichever scopes it is of. */
function together(affected: readonly Affected[]): Affected {
  const attempts = affected.flatMap((each) => each.attempts)
  return {
    subscriptions: [...new Set(affected.flatMap((each) => each.subscriptions))],
    attempts: [...new Map(attempts.map((each) => [each.attempt, each])).values()],
  }
}

function affectedBy(
  scope: RightsScope,
  connections: RightsChangesOptions['connections'],
  channels: Channels,
): Affected {
  if ('userId' in scope) {
    const own = connections.ofUser(scope.userId)
    return { subscriptions: own.flatMap(subscriptionsOf), attempts: own.flatMap(attemptsOf) }
  }
  const groups = [...channels.channels.values()].flatMap((entry) => entry.groups)
  return {
    subscriptions: groups
      .filter((group) => isConcerned(group, scope))
      .flatMap(({ members }) => members.filter(isOpened)),
    attempts: [...connections.all()].flatMap(attemptsOf).filter(({ attempt }) => mayConcern(attempt, scope)),
  }
}

type GroupScope = Exclude<RightsScope, { readonly userId: string }>

function isConcerned({ channel, grant }: Group, scope: GroupScope): boolean {
  if ('channel' in scope) return channel.name === scope.channel
  return grant?.isShared === true && grant.key === `+${scope.key}`
}

/** Whose rule is still being asked may get an answer of before: which key it will have is not known yet. All others are installed. */
function mayConcern({ request, isAsked, subscription }: Attempt, scope: GroupScope): boolean {
  if ('channel' in scope) return request.name === scope.channel
  return isAsked || subscription === null || isConcerned(subscription.group, scope)
}

function subscriptionsOf({ subscriptions }: Connection): Subscription[] {
  return [...(subscriptions?.values() ?? [])].filter(isOpened)
}

function attemptsOf(connection: Connection): Affected['attempts'][number][] {
  return [...(connection.attempts?.values() ?? [])].map((attempt) => ({ connection, attempt }))
}
