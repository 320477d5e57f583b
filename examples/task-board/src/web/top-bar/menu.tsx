import { useConnectionState, useSignalValue } from '@dnr/react'
import { useRef, useState } from 'react'
import { ADMIN } from '../../shared/user.ts'
import type { Board } from '../model/board.ts'
import { Icon } from '../shell/icons.tsx'
import { signOut } from '../shell/open-board.ts'
import { applyTheme, readTheme, type Theme, THEMES } from '../shell/theme.ts'

/** What stands at the right of the board. */
export type Drawer = 'hood' | 'members'

export interface MenuProps {
  readonly board: Board
  readonly drawer: Drawer | null
  onToggle(drawer: Drawer): void
  onShowKeys(): void
}

export function Menu({ board, drawer, onToggle, onShowKeys }: MenuProps) {
  const { client, user } = board
  const { status } = useConnectionState(client)
  const isAdmin = useSignalValue(board.team) === ADMIN
  const popover = useRef<HTMLDivElement>(null)
  const [theme, setTheme] = useState<Theme>(readTheme)
  const isOffline = status === 'idle'

  const choose = (action: () => void) => () => {
    popover.current?.hidePopover()
    action()
  }
  return (
    <>
      <button
        type="button"
        className="icon-button"
        popoverTarget="menu"
        aria-label="Menu"
        data-testid="menu-button"
      >
        <Icon name="menu" />
      </button>
      <div ref={popover} id="menu" className="menu" popover="auto" data-testid="menu">
        <p className="menu-user">
          Signed in as <b>{user.name}</b>
        </p>
        <button
          type="button"
          role="switch"
          aria-checked={isOffline}
          className="menu-item"
          data-testid="offline-switch"
          onClick={isOffline ? client.connect : client.disconnect}
        >
          Work offline
          <span className="switch" aria-hidden="true" />
        </button>
        {isAdmin && (
          <button
            type="button"
            className="menu-item"
            aria-pressed={drawer === 'members'}
            onClick={choose(() => onToggle('members'))}
          >
            Members
          </button>
        )}
        <button
          type="button"
          className="menu-item"
          aria-pressed={drawer === 'hood'}
          onClick={choose(() => onToggle('hood'))}
        >
          Under the hood
        </button>
        <button type="button" className="menu-item" onClick={choose(onShowKeys)}>
          Keys <kbd>?</kbd>
        </button>
        <div className="menu-item" role="radiogroup" aria-label="Theme">
          Theme
          <span className="segments">
            {THEMES.map((each) => (
              <button
                key={each}
                type="button"
                role="radio"
                aria-checked={each === theme}
                onClick={() => {
                  applyTheme(each)
                  setTheme(each)
                }}
              >
                {each}
              </button>
            ))}
          </span>
        </div>
        <button type="button" className="menu-item" onClick={signOut}>
          Sign out
        </button>
      </div>
    </>
  )
}
