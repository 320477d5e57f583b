import { useSignalValue } from '@dnr/react'
import type { Board } from '../model/board.ts'
import { ConnectionPill } from './connection-pill.tsx'
import { Menu, type MenuProps } from './menu.tsx'
import { People } from './people.tsx'

export function TopBar({ board, ...menu }: { readonly board: Board } & Omit<MenuProps, 'board'>) {
  const team = useSignalValue(board.team)
  return (
    <header className="top-bar">
      <h1>Task board</h1>
      <span className="team-chip" data-testid="team">
        <span className="team-dot" />
        {team}
      </span>
      <span className="spring" />
      <People board={board} />
      <ConnectionPill board={board} />
      <Menu board={board} {...menu} />
    </header>
  )
}
