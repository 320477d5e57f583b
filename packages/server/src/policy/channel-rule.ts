import { DnrError, type Principal } from '@dnr/protocol'
import type { MaybePromise } from './maybe-promise.ts'

/** Channels without rows; what of them is heard says {@link allowChannel}. */
export type ChannelKind = 'presence' | 'room' | 'user'

const CHANNEL_KINDS: readonly string[] = ['presence', 'room', 'user'] satisfies ChannelKind[]

/** May `user` hear the channel of this name? Only `true` is a yes. */
export type ChannelRule<P extends Principal = Principal> = (user: P, name: string) => MaybePromise<boolean>

/** The rule of one kind of channel, made by `allowChannel`. */
export interface ChannelAllowance<P extends Principal = Principal> {
  readonly kind: ChannelKind
  readonly rule: ChannelRule<P>
}

/**
 * Says who may see, and be among, those who are at a resource: `presence:{resource}`. Without it nobody. Goes into
 * {@link policies}.
 *
 * The rule is asked at each subscribe and join, and again when rights change; never for a guest. An answer that is
 * no boolean is a no; a rule that throws, rejects or answers later than `policyTimeoutMs` is told as `busy`, to be asked
 * again. Both are counted.
 *
 * @example
 * allowChannel('presence', (user: User, resource) => resource === `board/${user.team}`)
 */
export function allowChannel<P extends Principal = Principal>(
  kind: 'presence',
  rule: (user: P, resource: string) => MaybePromise<boolean>,
): ChannelAllowance<P>
/**
 * Says who may hear and speak in `room:{name}`. Without it nobody. Goes into {@link policies}.
 *
 * The rule is asked at each subscribe, before a `message` of somebody who has not subscribed, and again when rights
 * change; never for a guest. What fails is `busy`, and is counted.
 *
 * @example
 * allowChannel('room', (user: User, name) => name === 'lobby' || name === user.team)
 */
export function allowChannel<P extends Principal = Principal>(
  kind: 'room',
  rule: (user: P, name: string) => MaybePromise<boolean>,
): ChannelAllowance<P>
/**
 * Says whether a user may hear their own `user:{userId}`. Without it they may. It can refuse them; nobody else's is
 * heard, whatever it says. Goes into {@link policies}.
 *
 * The rule is asked at each subscribe, and again when rights change; never for a guest. What fails is `busy`, and is counted.
 *
 * @example
 * allowChannel('user', (user: User, userId) => !suspended.has(userId))
 */
export function allowChannel<P extends Principal = Principal>(
  kind: 'user',
  rule: (user: P, userId: string) => MaybePromise<boolean>,
): ChannelAllowance<P>
export function allowChannel<P extends Principal>(
  kind: ChannelKind,
  rule: ChannelRule<P>,
): ChannelAllowance<P> {
  if (CHANNEL_KINDS.includes(kind)) return { kind, rule }
  throw new DnrError('bad_option', `allowChannel got the kind "${kind}": expected presence, room or user.`)
}
