import { expectTypeOf, test } from 'vitest'
import { allowChannel, type ChannelAllowance } from '../../src/policy/channel-rule.ts'
import { policies, type Policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { createRealtimeServer } from '../../src/server/create-realtime-server.ts'
import { Task, type User } from '../support/entities.ts'

interface Admin extends User {
  readonly isAdmin: boolean
}

test('the principal is the one that the rule names, the name of the channel is text', () => {
  const allowance = allowChannel('presence', (user: User, resource) => {
    expectTypeOf(resource).toEqualTypeOf<string>()
    return resource === user.team
  })
  expectTypeOf(allowance).toEqualTypeOf<ChannelAllowance<User>>()
})

test('rules for rows and for channels have one principal, the most demanding of theirs', () => {
  const rows = allow(Task, (user: User | null) => user !== null)
  const room = allowChannel('room', (user: Admin) => user.isAdmin)
  expectTypeOf(policies(rows)).toEqualTypeOf<Policies<User>>()
  expectTypeOf(policies(allowChannel('user', (user: User) => user.team === 'red'))).toEqualTypeOf<
    Policies<User>
  >()
  expectTypeOf(
    policies(
      rows,
      allowChannel('room', () => true),
    ),
  ).toEqualTypeOf<Policies<User>>()
  expectTypeOf(policies(rows, room)).toEqualTypeOf<Policies<Admin>>()
  expectTypeOf(policies(room, rows)).toEqualTypeOf<Policies<Admin>>()
})

test('a server takes rules for its own kind of principal', () => {
  createRealtimeServer<User>({
    policies: policies(
      allow(Task, (user: User | null) => user !== null),
      allowChannel('room', (user: User, name) => name === user.team),
    ),
  })
  createRealtimeServer<User>({
    // @ts-expect-error -- a rule that needs more than the principal has
    policies: policies(allowChannel('room', (user: Admin) => user.isAdmin)),
  })
})

test('what is no rule for channels does not compile', () => {
  // @ts-expect-error -- there is no such kind
  allowChannel('rooms', () => true)
  // @ts-expect-error -- entities have allow
  allowChannel('entity', () => true)
  // @ts-expect-error -- a channel without rows is heard, or not
  allowChannel('room', () => ({ sees: () => true }))
  // @ts-expect-error -- only true is a yes
  allowChannel('room', (user: User) => user.team)
  // @ts-expect-error -- the name of a room is text
  allowChannel('room', (_user: User, name: number) => name === 1)
  // @ts-expect-error -- a principal has an id
  allowChannel('room', (user: { team: string }) => user.team === 'red')
  policies(
    allow(Task, (user: User | null) => user !== null),
    // @ts-expect-error -- nobody is both of these principals
    allowChannel('room', (user: { id: string; team: number }) => user.team === 1),
  )
})
