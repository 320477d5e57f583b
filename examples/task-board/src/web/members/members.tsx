import { useSignalValue } from '@dnr/react'
import { useState } from 'react'
import { ADMIN, type Member, TEAMS } from '../../shared/user.ts'
import type { Board } from '../model/board.ts'
import { Avatar } from '../shell/avatar.tsx'
import { Icon } from '../shell/icons.tsx'

/** For admins: everybody who is connected, and their team, which can be changed while they watch. */
export function Members({ board, onClose }: { readonly board: Board; readonly onClose: () => void }) {
  const everybody = useSignalValue(board.admin.everybody)
  return (
    <aside className="drawer members" aria-label="Members" data-testid="members">
      <header>
        <h2>
          Members <span className="count">{everybody.length}</span>
        </h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <p className="quiet">Whoever is moved sees the other team’s tasks at once.</p>
      <ul>
        {everybody.map((member) => (
          <MemberRow key={member.id} board={board} member={member} />
        ))}
      </ul>
    </aside>
  )
}

function MemberRow({ board, member }: { readonly board: Board; readonly member: Member }) {
  const { id, name, team, connections } = member
  const [wanted, setWanted] = useState<string | null>(null)
  const isMe = id === board.user.id

  const move = async (next: string): Promise<void> => {
    setWanted(next)
    try {
      await board.admin.move(id, next)
      board.notices.say(`${name} is in team ${next} now.`)
    } catch (error) {
      board.notices.show(`${name} stays in team ${team}: ${(error as Error).message}`, 'error')
    } finally {
      setWanted(null)
    }
  }
  return (
    <li className="member" data-team={wanted ?? team} data-testid={`member-${id}`}>
      <Avatar id={id} name={name} />
      <span className="member-name">
        {name}
        <span className="quiet">{isMe ? 'you' : connections === 1 ? '1 tab' : `${connections} tabs`}</span>
      </span>
      <label className="member-team">
        <span className="team-dot" />
        <select
          aria-label={`Team of ${name}`}
          title={isMe ? 'Sign in again to change your own team.' : undefined}
          value={wanted ?? team}
          disabled={isMe || wanted !== null}
          onChange={(event) => void move(event.target.value)}
        >
          {[...new Set([...TEAMS, ADMIN, team])].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
    </li>
  )
}
