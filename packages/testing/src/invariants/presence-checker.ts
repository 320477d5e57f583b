// Is presence true? Watches all connections: who has joined where, and what each that watches was told of it. A sync says who is
// here; after it each user comes once, changes while here, and leaves once. Knows nothing of time-outs: at rest they are over.
import { type Audiences, isWithoutRows } from './audiences.ts'
import { idsOf } from './channel-watch.ts'
import { InvariantViolation } from './violation.ts'

/** The people at a resource, as one place in the system shows them. */
export interface ShownPeople {
  readonly name: string
  readonly channel: string
  readonly users: readonly string[]
}

// oxlint-disable-next-line typescript/no-explicit-any -- frames as they travel
type Frame = { readonly type: string; readonly [field: string]: any }

/** One connection. */
export interface PresenceWatch {
  received(frame: Frame): void
  /** @throws InvariantViolation S11 */
  sent(frame: Frame): void
}

export interface PresenceChecker {
  /** `isAlive`: do both ends take the connection for open? */
  watch(name: string, principal: string, isAlive: () => boolean): PresenceWatch
  closed(name: string): void
  rightsChanged(): void
  /** Nothing happens any more. @throws InvariantViolation S11 */
  atRest(shown: readonly ShownPeople[]): void
}

/** A connection at one resource. */
interface Stay {
  /** Has its join been answered, and nothing ended it since? */
  isJoined: boolean
  /** Had it the right all the time since? Only then it can be seen by all without a break. */
  isSure: boolean
  /** Request ids of the joins that wait for an answer. */
  asked: (string | null)[]
  /** Whom it was told of; `null`: not yet. */
  known: Set<string> | null
}

interface Connection {
  readonly principal: string
  readonly stays: Map<string, Stay>
  isAlive(): boolean
}

export function createPresenceChecker(audiences: Audiences): PresenceChecker {
  const connections = new Map<string, Connection>()

  const isSurelyAt = (user: string, channel: string): boolean =>
    [...connections.values()].some(({ principal, stays, isAlive }) => {
      const stay = stays.get(channel)
      return principal === user && stay?.isJoined === true && stay.isSure && isAlive()
    })

  const presentAt = (channel: string): readonly string[] => {
    const here = [...connections.values()].filter(
      ({ stays, isAlive }) => stays.get(channel)?.isJoined === true && isAlive(),
    )
    return [...new Set(here.map(({ principal }) => principal))].sort()
  }

  return {
    watch(name, principal, isAlive) {
      const stays = new Map<string, Stay>()
      connections.set(name, { principal, stays, isAlive })
      const stayAt = (channel: string): Stay => {
        const known = stays.get(channel)
        if (known !== undefined) return known
        const stay: Stay = { isJoined: false, isSure: false, asked: [], known: null }
        stays.set(channel, stay)
        return stay
      }
      return {
        received(frame) {
          const { type, channel, requestId = null } = frame
          if (!isWithoutRows(channel)) return
          const stay = stayAt(channel)
          if (type === 'presence:join') stay.asked.push(requestId as string | null)
          if (type === 'presence:leave' || type === 'unsubscribe') ended(stay)
        },
        sent(frame) {
          const { channel } = frame
          if (!isWithoutRows(channel)) return
          const stay = stayAt(channel)
          const wrong = told(stay, frame, principal, (user) => isSurelyAt(user, channel))
          if (wrong !== null)
            throw new InvariantViolation('S11', {
              who: `${name} (${principal}) ${channel}`,
              what: wrong,
              expected: stay.known === null ? null : [...stay.known],
              actual: frame,
            })
          if (frame.type === 'presence:sync') joined(stay, frame, audiences.hears(principal, channel))
        },
      }
    },
    closed: (name) => void connections.delete(name),
    rightsChanged() {
      for (const { principal, stays } of connections.values())
        for (const [channel, stay] of stays) if (!audiences.hears(principal, channel)) stay.isSure = false
    },
    atRest(shown) {
      for (const { name, channel, users } of shown) {
        const expected = presentAt(channel)
        if (expected.join() === [...users].sort().join()) continue
        throw new InvariantViolation('S11', {
          who: `${name} ${channel}`,
          what: 'others are shown than are there',
          expected,
          actual: users,
        })
      }
    },
  }
}

function ended(stay: Stay): void {
  stay.isJoined = false
  stay.asked = []
}

/** The answer to a join has come; `false`: to none that waits for one. */
function answered(stay: Stay, { requestId = null }: Frame): boolean {
  const index = stay.asked.indexOf(requestId as string | null)
  if (index >= 0) stay.asked.splice(index, 1)
  return index >= 0
}

/** A join is answered by a sync with its request id. */
function joined(stay: Stay, frame: Frame, hears: boolean): void {
  if (!answered(stay, frame)) return
  stay.isJoined = true
  stay.isSure = hears
}

/** What there was before a request that is refused goes on, unless it says otherwise. */
function refused(stay: Stay, frame: Frame): void {
  if (frame['ended'] === true) ended(stay)
  else answered(stay, frame)
}

/** Takes a frame in; what is wrong with it. */
function told(
  stay: Stay,
  frame: Frame,
  principal: string,
  isSurelyHere: (user: string) => boolean,
): string | null {
  const { type, payload } = frame
  switch (type) {
    case 'subscribed':
      stay.known = null
      return null
    case 'unsubscribed':
      stay.known = null
      // What was asked for ended it when it came: a join may have come since, and its answer is still to come.
      if (frame['requestId'] === undefined) ended(stay)
      return null
    case 'error':
      refused(stay, frame)
      return null
    case 'presence:sync': {
      const users = idsOf(payload)
      stay.known = new Set(users)
      return stay.known.size === users.length ? null : 'one person is here twice'
    }
    case 'presence:join':
      return each(payload, (user) => {
        if (stay.known?.has(user) === true) return `${user} comes, who was here`
        stay.known?.add(user)
        return null
      })
    case 'presence:update':
      return each(payload, (user) =>
        stay.known?.has(user) === false ? `${user} changes, who was not here` : null,
      )
    case 'presence:leave':
      return each(payload, (user) => {
        const wasHere = stay.known?.delete(user) !== false
        if (user === principal) return null
        if (!wasHere) return `${user} leaves, who was not here`
        return isSurelyHere(user) ? `${user} leaves, who is still here` : null
      })
    default:
      return null
  }
}

function each(payload: unknown, judge: (user: string) => string | null): string | null {
  for (const user of idsOf(payload)) {
    const wrong = judge(user)
    if (wrong !== null) return wrong
  }
  return null
}
