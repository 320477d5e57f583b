import { useSignalValue } from '@dnr/react'
import { useState } from 'react'
import { Hood } from '../hood/hood.tsx'
import type { Board } from '../model/board.ts'
import { KeysHelp } from '../shell/keys-help.tsx'
import { Toasts } from '../shell/toasts.tsx'
import { TopBar } from '../top-bar/top-bar.tsx'
import { Columns } from './columns.tsx'

export function BoardScreen({ board }: { readonly board: Board }) {
  const [isHoodOpen, setHoodOpen] = useState(false)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const status = useSignalValue(board.tasks.status)
  return (
    <div className="screen" data-status={status} data-testid="board">
      <TopBar
        board={board}
        isHoodOpen={isHoodOpen}
        onToggleHood={() => setHoodOpen(!isHoodOpen)}
        onShowKeys={() => setHelpOpen(true)}
      />
      <div className="stage">
        <Columns board={board} onShowKeys={() => setHelpOpen(true)} />
        {isHoodOpen && <Hood board={board} onClose={() => setHoodOpen(false)} />}
      </div>
      <Toasts notices={board.notices} />
      {isHelpOpen && <KeysHelp onClose={() => setHelpOpen(false)} />}
    </div>
  )
}
