// Why somebody got an event, or did not. Asks the same rules that delivery asks, and sends nothing.
import {
  type Change,
  type Channel,
  matchesWhere,
  parseChannel,
  type Position,
  type Principal,
} from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import type { Grant } from '../policy/grant.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { AuthorizeChannel } from './authorize-channel.ts'
import type { FindDenial } from './denials.ts'
import { isDoubted } from './doubt.ts'
import type { KnownEntity } from './entities.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { isAboutRows, type Subscription } from './subscription.ts'

/** What would be, or was, delivered of one change to one user on one channel, and why. */
export interface Explanation {
  /** Each step in a sentence. */
  readonly lines: readonly string[]
  /** May the user hear the channel at all? */
  readonly isAllowed: boolean
  /** What the rule says of the row before and after the change; `null`: there was none, or the rule failed. */
  readonly sees: { readonly before: boolean | null; readonly after: boolean | null } | null
  /** What the change means to somebody with these rights; `null`: nothing, so nothing is sent. */
  readonly outcome: Outcome | null
  /** Names the group whose members share each decision; `null` where there are no rows. */
  readonly group: string | null
  /** Fields that are left out. */
  readonly hiddenFields: readonly string[]
  readonly subscriptions: readonly ExplainedSubscription[]
}

/** One of the user's subscriptions to the channel. */
export interface ExplainedSubscription {
  readonly connectionId: string
  /** The client's own key, if it gave one. */
  readonly subscription: string | undefined
  /** `reading`: it is sent history or a snapshot, and gets the event in its turn. */
  readonly state: 'live' | 'reading'
  /** What it gets of the change; its `where` counts, too. */
  readonly outcome: Outcome | null
}

/** A change, where it stands in the log, or the offset alone if that is of the log's present epoch. */
export type ExplainedChange = Change | Position | number

export interface ExplainOptions {
  readonly authorize: AuthorizeChannel
  readonly findDenial: FindDenial
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly history: ChangeHistory | null
  connectionsOf(userId: string): readonly Connection[]
}

export type Explain = (user: Principal, channel: string, change?: ExplainedChange) => Promise<Explanation>

export function createExplain({
  authorize,
  findDenial,
  entities,
  history,
  connectionsOf,
}: ExplainOptions): Explain {
  return async (user, name, asked) => {
    const lines: string[] = []
    const parsed = parseChannel(name)
    if (!parsed.ok) return nothing([`"${name}" is no channel: ${parsed.message}`])
    const channel = parsed.value
    const own = connectionsOf(user.id)
    const subscriptions = own.flatMap((connection) => subscriptionsTo(connection, name))
    lines.push(connectedLine(user, own.length, subscriptions.length, name))
    const authorization = await authorize(user, channel)
    if (authorization === null) return nothing([...lines, findDenial(user, channel).sentence])
    if (authorization === 'unknown')
      return nothing([...lines, `The rule failed or took too long: what ${user.id} may hear is not known.`])
    const { grant } = authorization
    if (grant === null) {
      lines.push(`${user.id} may hear this ${channel.kind} channel; it has no rows.`)
      return {
        ...nothing(lines),
        isAllowed: true,
        subscriptions: subscriptions.map((each) => explained(each, null)),
      }
    }
    const hiddenFields = Object.keys(grant.entity.schema.shape).filter((field) => !grant.readable.has(field))
    lines.push(...grantLines(grant, hiddenFields))
    const result = { lines, isAllowed: true, group: grant.key, hiddenFields }
    const change = asked === undefined ? null : await findChange(asked, channel, history)
    if (change === null) {
      if (asked !== undefined)
        lines.push('This change is not in the log: trimmed, not yet written, or of another entity.')
      return {
        ...result,
        sees: null,
        outcome: null,
        subscriptions: subscriptions.map((each) => explained(each, null)),
      }
    }
    const sees = judge(change, grant, entities)
    const outcome = outcomeOf(change.operation, sees.before === true, sees.after === true)
    const each = subscriptions.map((one) => explained(one, outcomeFor(one, change, sees, outcome)))
    lines.push(...changeLines(change, sees, outcome), ...each.map((one) => deliveryLine(one)))
    lines.push(...delayLines(subscriptions, change))
    return { ...result, sees, outcome, subscriptions: each }
  }
}

function nothing(lines: readonly string[]): Explanation {
  return {
    lines,
    isAllowed: false,
    sees: null,
    outcome: null,
    group: null,
    hiddenFields: [],
    subscriptions: [],
  }
}

function subscriptionsTo({ subscriptions }: Connection, name: string): Subscription[] {
  return [...(subscriptions?.values() ?? [])].filter(({ group }) => group.channel.name === name)
}

function connectedLine(user: Principal, connections: number, subscriptions: number, name: string): string {
  if (connections === 0)
    return `${user.id} is not connected: nothing is sent; on return the log tells what was missed.`
  if (subscriptions === 0)
    return `${user.id} is connected, but has not subscribed to ${name}: nothing is sent.`
  return `${user.id} has ${subscriptions} subscription(s) to ${name}.`
}

function grantLines(grant: Grant, hiddenFields: readonly string[]): string[] {
  const rule = grant.seesAll ? 'every row' : 'the rows that its `sees` says yes to'
  const shared = grant.isShared ? 'shared with all who have this key' : "the user's own"
  const fields = hiddenFields.length === 0 ? 'all fields' : `all fields but ${hiddenFields.join(', ')}`
  return [
    `The policy of ${grant.entity.name} shows ${rule}, with ${fields}.`,
    `Group ${grant.key}: ${shared}.`,
  ]
}

async function findChange(
  asked: ExplainedChange,
  channel: Channel,
  history: ChangeHistory | null,
): Promise<Change | null> {
  if (typeof asked === 'object' && 'operation' in asked) return asked
  if (history === null || !isAboutRows(channel)) return null
  const { epoch, offset } =
    typeof asked === 'number' ? { epoch: (await history.head()).epoch, offset: asked } : asked
  const one = channel.kind === 'record' ? { id: channel.id } : {}
  const after = { epoch, offset: Math.max(0, offset - 1) }
  const page = await history.read({ after, entity: channel.entity, ...one, limit: 1 })
  return page.holds ? (page.changes.find(({ position }) => position.offset === offset) ?? null) : null
}

function judge(
  { entity, before, after }: Change,
  grant: Grant,
  entities: ReadonlyMap<string, KnownEntity>,
): NonNullable<Explanation['sees']> {
  const codec = entities.get(entity)?.codec
  const ask = (row: Change['after']): boolean | null => {
    const verdict = row === null || codec === undefined ? null : grant.judge(codec.decode(row))
    return verdict === 'unknown' ? null : verdict
  }
  return { before: ask(before), after: ask(after) }
}

function outcomeFor(
  { group: { where } }: Subscription,
  { operation, before, after }: Change,
  sees: NonNullable<Explanation['sees']>,
  outcome: Outcome | null,
): Outcome | null {
  if (where === null) return outcome
  const matches = (row: Change['after']): boolean => row !== null && matchesWhere(row, where)
  return outcomeOf(operation, sees.before === true && matches(before), sees.after === true && matches(after))
}

function explained(
  { connection, group, opening }: Subscription,
  outcome: Outcome | null,
): ExplainedSubscription {
  return {
    connectionId: connection.id,
    subscription: group.subscription,
    state: opening === null ? 'live' : 'reading',
    outcome,
  }
}

function changeLines(
  { entity, id, operation, position, version, ...images }: Change,
  sees: NonNullable<Explanation['sees']>,
  outcome: Outcome | null,
): string[] {
  const verdict = (image: 'before' | 'after'): string => {
    if (images[image] === null) return 'no row'
    return sees[image] === null ? 'the rule failed' : sees[image] ? 'seen' : 'hidden'
  }
  return [
    `#${position.offset}: ${entity} ${id} was ${operation}, version ${version}.`,
    `Before it: ${verdict('before')}; after it: ${verdict('after')}. So it is ${outcome ?? 'nothing'} to this user.`,
  ]
}

/** What keeps an event from being sent as it is, at once. */
function delayLines(subscriptions: readonly Subscription[], { id }: Change): string[] {
  const groups = [...new Set(subscriptions.map(({ group }) => group))]
  const isHeld = groups.some(({ channel }) => channel.held?.changesByRecord.has(id) === true)
  const isInDoubt = groups.some(({ doubt }) => isDoubted(doubt, id))
  return [
    ...(isHeld
      ? ['The channel is above its limit: the changes of this row are held back, and sent conflated as one.']
      : []),
    ...(isInDoubt
      ? ['The rule failed on this row: it is asked again, and the row is sent when it answers.']
      : []),
  ]
}

function deliveryLine({ connectionId, subscription, state, outcome }: ExplainedSubscription): string {
  const name =
    subscription === undefined
      ? `Connection ${connectionId}`
      : `Connection ${connectionId}, "${subscription}"`
  if (outcome === null) return `${name}: not sent.`
  return state === 'live'
    ? `${name}: sent as ${outcome}.`
    : `${name}: sent as ${outcome}, after what it still reads.`
}
