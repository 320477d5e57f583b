// What somebody does at boards and in rooms. Their name is for those who may be at the same board.
import { boardOf, nameOf } from '../channels.ts'
import type { PeopleOperation } from '../program/operation.ts'
import type { SimClient } from './sim-client.ts'
import type { World } from './world.ts'

export function actWithPeople(
  { checker }: World,
  { people, user }: SimClient,
  operation: PeopleOperation,
): void {
  switch (operation.do) {
    case 'join':
      checker.said(boardOf(operation.team), nameOf(user), user)
      return people.join(operation.team, operation.card)
    case 'bare-join':
      checker.said(boardOf(operation.team), nameOf(user), user)
      return people.bareJoin(operation.team, operation.card)
    case 'point':
      return people.point(operation.team, operation.card)
    case 'watch':
      return people.watch(operation.team)
    case 'beat':
      return people.beat(operation.team, operation.state)
    case 'leave':
      return people.leave(operation.team)
    case 'bare-leave':
      return people.bareLeave(operation.team)
    case 'hear':
      return people.hear(operation.channel)
    case 'unhear':
      return people.unhear(operation.channel)
    case 'talk':
      return people.talk(operation.channel, operation.text)
  }
}
