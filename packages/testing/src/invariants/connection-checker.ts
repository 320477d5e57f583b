// All that is sent over one connection. Holds its subscriptions and the frames that wait for the log to be known so far.
import type { WireRow } from '@dnr/protocol'
import type { ChannelWatch } from './channel-watch.ts'
import type { CommittedLog } from './committed-log.ts'
import type { HeldRights } from './held-rights.ts'
import type { LeakWatch } from './leak-checker.ts'
import type { PresenceWatch } from './presence-checker.ts'
import { createRequestOrder } from './request-order.ts'
import { createSight, isSameRow } from './rights.ts'
import {
  createSubscriptionChecker,
  type SubscribedPayload,
  type SubscribeFrame,
  type SubscriptionChecker,
} from './subscription-checker.ts'
import { InvariantViolation, type Property } from './violation.ts'
import type { EventFrame, Wrong } from './wire-sequence.ts'

export interface ConnectionChecker {
  /** A frame of the client has reached the server. */
  received(text: string): void
  /** The server has sent a frame. @throws InvariantViolation */
  sent(text: string): void
  /** The log is known further: judges what waited. @throws InvariantViolation */
  judge(): void
  /** Frames that wait for changes which the checker was not told of. */
  readonly waiting: number
  /** A request that was not answered while the connection lasts; `null`: there is none. */
  readonly unanswered: string | null
}

export interface ConnectionParts {
  readonly name: string
  readonly principal: string
  readonly log: CommittedLog
  readonly rights: HeldRights
  readonly leaks: LeakWatch | null
  /** Channels without rows; `null`: they are not looked at. */
  readonly channels: ChannelWatch | null
  readonly presence: PresenceWatch | null
  /** Has neither end been told that it is over? */
  isAlive(): boolean
}

interface Asked {
  readonly since: number
  readonly entity: string | null
  readonly key: string | null
  readonly subscription: SubscriptionChecker | null
}

// oxlint-disable-next-line typescript/no-explicit-any -- frames as they travel
type Frame = { readonly type: string; readonly [field: string]: any }

const KEPT_FRAMES = 14

export function createConnectionChecker({
  name,
  principal,
  log,
  rights,
  leaks,
  channels,
  presence,
  isAlive,
}: ConnectionParts): ConnectionChecker {
  const subscriptions = new Map<string, SubscriptionChecker>()
  const order = createRequestOrder()
  const asked = new Map<string, Asked>()
  const lastFrames: string[] = []
  const waiting: Frame[] = []

  const fail = (property: Property, who: string, { what, expected, isLeak }: Wrong, frame: Frame): never => {
    const { position } = frame
    throw new InvariantViolation(isLeak === true ? 'S7' : property, {
      who: `${name} (${principal}) ${who}`,
      what,
      position,
      expected,
      actual: frame,
      frames: lastFrames,
    })
  }
  const note = (direction: string, text: string): void => {
    lastFrames.push(`${direction} ${text.slice(0, 600)}`)
    if (lastFrames.length > KEPT_FRAMES) lastFrames.shift()
  }

  const checkRow = (row: WireRow, { entity, since }: Asked, frame: Frame): void => {
    if (entity === null) return
    const sights = rights.heldSince(since, principal, entity).filter((each) => each !== null)
    const isAllowed = log.imagesEver(entity, row.id).some((image) =>
      sights.some((each) => {
        const sight = createSight(each)
        return sight.sees(image) && isSameRow(sight.show(image), row)
      }),
    )
    if (!isAllowed) fail('S7', entity, { what: `row ${row.id} may not be seen, or is not in the log` }, frame)
  }

  const answer = (frame: Frame): void => {
    const question = asked.get(frame['requestId'] as string)
    if (question === undefined) return unasked(frame)
    asked.delete(frame['requestId'] as string)
    const payload = frame['payload'] as { row?: WireRow; details?: { current?: WireRow } } | undefined
    if (frame.type === 'mutated' && payload?.row !== undefined) checkRow(payload.row, question, frame)
    if (frame.type === 'error' && payload?.details?.current)
      checkRow(payload.details.current, question, frame)
    if (question.key === null) return
    // Refused alone, it leaves in place what it was to replace.
    if (frame.type === 'error') return void (frame['ended'] === true && subscriptions.delete(question.key))
    if (frame.type !== 'subscribed') return
    subscriptions.delete(question.key)
    if (question.subscription === null) return
    subscriptions.set(question.key, question.subscription)
    const wrong = question.subscription.subscribed(frame['payload'] as SubscribedPayload)
    if (wrong !== null) fail('S2', question.key, wrong, frame)
  }

  /** What the server says by itself: the log was trimmed under its reading, rights have changed, or there are none any more. */
  const unasked = (frame: Frame): void => {
    const key = keyOf(String(frame['channel']), frame['subscription'] as string | undefined)
    if (frame.type === 'error') return void (frame['ended'] === true && subscriptions.delete(key))
    if (frame.type !== 'subscribed') return
    const payload = frame['payload'] as SubscribedPayload
    const subscription = subscriptions.get(key)
    const wrong =
      payload.recovered === true ? subscription?.goesOn(payload) : subscription?.subscribed(payload)
    if (wrong) fail('S2', key, wrong, frame)
  }

  /** Before anything else: what was said may not be known to the log yet, and rights may be others when it is. */
  const searchForLeaks = (frame: Frame, text: string): void => {
    const marker = leaks?.findLeak(frame, text) ?? null
    const key = keyOf(String(frame['channel']), frame['subscription'] as string | undefined)
    if (marker === null || subscriptions.get(key)?.mayTakeAway(frame) === true) return
    fail('S7', key, { what: `${marker} may not be read at this moment` }, frame)
  }

  const listen = (frame: Frame): void => {
    const what = channels?.sent(frame) ?? null
    if (what !== null) fail('S7', String(frame['channel']), { what }, frame)
    presence?.sent(frame)
  }

  const checkOrder = (frame: Frame): void => {
    const wrong = order.sent(frame)
    if (wrong !== null) fail('S12', String(frame['channel']), wrong, frame)
  }

  const judgeOne = (frame: Frame): void => {
    const key = keyOf(String(frame['channel']), frame['subscription'] as string | undefined)
    const subscription = subscriptions.get(key)
    if (frame.type.startsWith('entity:')) {
      if (subscription === undefined)
        return fail('S7', key, { what: 'an event without a subscription' }, frame)
      const wrong = subscription.event(frame as unknown as EventFrame)
      if (wrong !== null) fail('S2', key, wrong, frame)
    } else if (frame.type === 'snapshot') {
      const wrong = subscription?.chunk(frame['payload'] as { rows: WireRow[]; more: boolean })
      if (wrong) fail('S2', key, wrong, frame)
    } else if (frame.type === 'pong') {
      const offset = (frame['position'] as { offset: number } | undefined)?.offset
      if (offset === undefined) return
      for (const [each, checker] of subscriptions) {
        const wrong = checker.reached(offset)
        if (wrong !== null) fail('S2', each, wrong, frame)
      }
    } else if (frame.type === 'unsubscribed') subscriptions.delete(key)
    else answer(frame)
  }

  const judge = (): void => {
    while (waiting.length > 0) {
      const frame = waiting[0] as Frame
      if (offsetOf(frame) > log.head) return
      waiting.shift()
      judgeOne(frame)
    }
  }

  return {
    judge,
    get waiting() {
      return waiting.length
    },
    get unanswered() {
      return isAlive() ? order.unanswered : null
    },
    received(text) {
      note('→', text)
      leaks?.said(text)
      const frame = parse(text)
      if (frame === null) return
      channels?.received(frame)
      presence?.received(frame)
      order.received(frame)
      if (typeof frame['requestId'] !== 'string') return
      const { requestId } = frame
      const since = rights.now()
      if (frame.type === 'subscribe') {
        const request = frame as unknown as SubscribeFrame
        const key = keyOf(request.channel, request.payload?.subscription)
        const subscription = createSubscriptionChecker(request, principal, log, rights)
        asked.set(requestId, { since, entity: null, key, subscription })
      } else if (frame.type === 'mutate') {
        const entity = (frame['payload'] as { entity: string }).entity
        rights.note(principal, entity)
        asked.set(requestId, { since, entity, key: null, subscription: null })
      }
    },
    sent(text) {
      note('←', text)
      const frame = parse(text)
      if (frame === null) return
      searchForLeaks(frame, text)
      listen(frame)
      checkOrder(frame)
      waiting.push(frame)
      judge()
    },
  }
}

/** Channel and the client's own key name a subscription. */
function keyOf(channel: string, subscription = ''): string {
  return `${channel} ${subscription}`
}

function offsetOf(frame: Frame): number {
  const position = (frame['position'] ??
    (frame['payload'] as { position?: unknown } | undefined)?.position) as { offset?: number } | undefined
  return position?.offset ?? 0
}

function parse(text: string): Frame | null {
  try {
    return JSON.parse(text) as Frame
  } catch {
    return null
  }
}
