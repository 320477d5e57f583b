import { expectTypeOf, test } from 'vitest'
import { createRealtimeServer } from '../../src/server/create-realtime-server.ts'
import { policies, type Policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'

test('rows and principals of a rule are typed', () => {
  const allowance = allow(
    Task,
    (user: User | null) =>
      user && {
        key: user.team,
        sees: (task) => {
          expectTypeOf(task.due).toEqualTypeOf<Date | null>()
          expectTypeOf(task.version).toEqualTypeOf<number>()
          return task.team === user.team
        },
        fields: ['title'],
        update: (before, after) => before.team === after.team,
      },
  )
  expectTypeOf(policies(allowance)).toEqualTypeOf<Policies<User>>()
})

test('fields are those of the entity', () => {
  // @ts-expect-error -- there is no such field
  allow(Task, () => ({ sees: () => true, fields: ['nope'] }))
  // @ts-expect-error -- there is no such field
  allow(Task, () => ({ sees: (task) => task.nope === 1 }))
  // @ts-expect-error -- a row rule says which rows
  allow(Task, () => ({ key: 'x' }))
})

test('a server takes rules for its own kind of principal', () => {
  createRealtimeServer<User>({
    policies: policies(allow(Task, (user: User | null) => user !== null)),
  })
  const demanding = policies(allow(Task, (user: (User & { role: string }) | null) => user !== null))
  // @ts-expect-error -- rules that need more than the principal has
  createRealtimeServer<User>({ policies: demanding })
})
