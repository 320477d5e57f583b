import { DnrError } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createTickets } from '../../src/connection/tickets.ts'
import { createTestServer } from '../support/test-server.ts'
import type { User } from '../support/entities.ts'

const ann: User = { id: 'ann', team: 'red' }
const bob: User = { id: 'bob', team: 'red' }

test('a ticket is good once', () => {
  const tickets = createTickets<User>()
  const ticket = tickets.issue(ann)
  expect(tickets.redeem(ticket)).toBe(ann)
  expect(tickets.redeem(ticket)).toBeNull()
  expect(tickets.count).toBe(0)
})

test('a ticket is good for ttlMs and not a moment longer', async () => {
  const clock = createManualClock()
  const tickets = createTickets<User>({ ttlMs: 5_000, clock })
  const [early, late] = [tickets.issue(ann), tickets.issue(ann)]
  await clock.advance(4_999)
  expect(tickets.redeem(early)).toBe(ann)
  await clock.advance(1)
  expect(tickets.redeem(late)).toBeNull()
})

test.each([null, '', 'x', '__proto__', 'constructor', 'toString'])(
  'what is no ticket is nobody: %s',
  (text) => {
    const tickets = createTickets<User>()
    tickets.issue(ann)
    expect(tickets.redeem(text)).toBeNull()
    expect(tickets.count).toBe(1)
  },
)

test('tickets have at least 128 random bits, and a URL may hold them', () => {
  const tickets = createTickets<User>({ maxTicketsPerUser: 1_000 })
  const many = new Set(Array.from({ length: 1_000 }, () => tickets.issue(ann)))
  expect(many.size).toBe(1_000)
  for (const ticket of many) expect(ticket).toMatch(/^[\w-]{22,}$/)
})

test('who forgets to use them fills their own share, not the others’', async () => {
  const clock = createManualClock()
  const tickets = createTickets<User>({ clock, ttlMs: 1_000, maxTicketsPerUser: 2, maxTickets: 3 })
  const [first] = [tickets.issue(ann), tickets.issue(ann)]
  expect(() => tickets.issue(ann)).toThrow(
    expect.objectContaining({ code: 'rate_limited', retryAfterMs: 1_000 }),
  )
  expect(tickets.redeem(first)).toBe(ann)
  tickets.issue(ann)
  tickets.issue(bob)
  expect(() => tickets.issue(bob)).toThrow(expect.objectContaining({ code: 'busy', retryable: true }))
  await clock.advance(1_000)
  expect(tickets.count).toBe(0)
  tickets.issue(bob)
})

test('a user’s tickets can be made worthless, nobody else’s', () => {
  const tickets = createTickets<User>()
  const [anns, bobs] = [tickets.issue(ann), tickets.issue(bob)]
  tickets.revoke('ann')
  expect([tickets.redeem(anns), tickets.redeem(bobs)]).toEqual([null, bob])
})

test.each([
  [{ ttlMs: 0 }, 'ttlMs'],
  [{ maxTickets: 1.5 }, 'maxTickets'],
  [{ maxTicketsPerUser: -1 }, 'maxTicketsPerUser'],
])('a wrong option is refused by name: %j', (options, name) => {
  expect(() => createTickets(options)).toThrow(DnrError)
  expect(() => createTickets(options)).toThrow(name)
})

test('a socket signs in with a ticket, which is used up by it, and its session ends when the principal says', async () => {
  const tickets = createTickets<User>()
  const server = createTestServer({ authenticate: ({ token }) => tickets.redeem(token) })
  const ticket = tickets.issue({ ...ann, expiresAt: server.clock.now() + 60_000 })
  const first = await server.connect(ticket)
  expect(first.received[0]?.payload).toMatchObject({ userId: 'ann', expiresAt: server.clock.now() + 60_000 })
  expect((await server.connect(ticket)).closed).toEqual({ code: 4401, reason: 'unauthorized' })
  expect(first.closed).toBeNull()
  await server.clock.advance(60_000)
  expect(first.closed).toEqual({ code: 4401, reason: 'token_expired' })
})
