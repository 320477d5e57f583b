// Why somebody may not hear a channel: a sentence for developers, in the log and in `explain`. Clients are told none of it.
import type { Channel, Logger, Principal } from '@dnr/protocol'
import { whenReady } from '../policy/maybe-promise.ts'
import type { Policies } from '../policy/policies.ts'
import type { AuthorizeChannel } from './authorize-channel.ts'
import type { KnownEntity } from './entities.ts'

/** What said no. Names of channels come from clients, who may write into them what belongs into no log: none is in here. */
export interface Denial {
  /** The rule as an application writes it down; there are as many as entities and kinds of channels. */
  readonly rule: string
  readonly sentence: string
}

/** Finds what said no to `user`, or that nothing was there to say yes. */
export type FindDenial = (user: Principal, channel: Channel) => Denial

export function createFindDenial(
  { allowancesByEntity, allowancesByChannelKind }: Policies,
  entities: ReadonlyMap<string, KnownEntity>,
): FindDenial {
  const byRule = (rule: string, exists: boolean, user: Principal): Denial => ({
    rule,
    sentence: exists ? `${rule} says no to ${user.id}.` : `There is no ${rule} in policies(…).`,
  })
  return (user, channel) => {
    switch (channel.kind) {
      case 'entity':
      case 'record': {
        const { entity } = channel
        if (!entities.has(entity)) return NO_ENTITY
        return byRule(`allow(${entity}, …)`, allowancesByEntity.has(entity), user)
      }
      case 'user':
        return channel.userId === user.id ? byRule("allowChannel('user', …)", true, user) : NOT_THEIRS
      case 'presence':
      case 'room': {
        const { kind } = channel
        return byRule(`allowChannel('${kind}', …)`, allowancesByChannelKind.has(kind), user)
      }
    }
  }
}

const NO_ENTITY: Denial = { rule: 'policies(…)', sentence: 'There is no such entity on this server.' }
const NOT_THEIRS: Denial = {
  rule: 'user:{userId}',
  sentence: 'A user channel is for its own user alone, whatever a rule says.',
}

/**
 * The same answers as `authorize`, and the log is told of each no: of the first by each rule at level info, of later ones at
 * debug, so that a forgotten rule is not looked for in the browser, and nobody fills the log by asking.
 */
export function tellDenials(
  authorize: AuthorizeChannel,
  findDenial: FindDenial,
  logger: Logger,
): AuthorizeChannel {
  const told = new Set<string>()
  const tell = (user: Principal, channel: Channel): void => {
    const { rule, sentence } = findDenial(user, channel)
    const level = told.has(rule) ? 'debug' : 'info'
    told.add(rule)
    logger[level](`A channel was refused. ${sentence}`, { userId: user.id, rule })
  }
  return (user, channel) =>
    whenReady(authorize(user, channel), (authorization) => {
      if (authorization === null) tell(user, channel)
      return authorization
    })
}
