import { useSignalValue } from '@dnr/react'
import type { Member } from '@dnr/protocol'
import type { Board } from '../model/board.ts'
import { noteOf } from '../model/my-presence.ts'
import { Avatar } from '../shell/avatar.tsx'

const SHOWN = 5

/** Who is here; ourselves first. */
export function People({ board }: { readonly board: Board }) {
  const members = useSignalValue(board.members)
  const isMe = ({ id }: Member): boolean => id === board.user.id
  const people = [...members.filter(isMe), ...members.filter((member) => !isMe(member))]
  const hidden = people.slice(SHOWN)
  return (
    <ul className="people" aria-label="People here" data-testid="people">
      {people.slice(0, SHOWN).map((member) => (
        <li key={member.id} data-testid={`person-${member.id}`}>
          <Avatar {...member} tabs={member.connections} title={describe(member, board)} />
        </li>
      ))}
      {hidden.length > 0 && (
        <li className="people-more" title={hidden.map(({ name }) => name).join(', ')}>
          +{hidden.length}
        </li>
      )}
    </ul>
  )
}

/** "Bob, active, 2 tabs, at “Ship it”". */
function describe(member: Member, { tasks, user }: Board): string {
  const { card } = noteOf(member)
  const task = card === null ? undefined : tasks.byId(card)
  const since = new Date(member.lastSeen).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  return [
    member.id === user.id ? `${member.name} (you)` : member.name,
    member.state === 'active' ? 'active' : `${member.state} since ${since}`,
    ...(member.connections > 1 ? [`${member.connections} tabs`] : []),
    ...(task === undefined ? [] : [`editing “${task.title}”`]),
  ].join(', ')
}
