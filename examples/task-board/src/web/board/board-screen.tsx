import { useSignalValue } from '@dnr/react'
import { useState } from 'react'
import { ADMIN } from '../../shared/user.ts'
import { Hood } from '../hood/hood.tsx'
import { Members } from '../members/members.tsx'
import type { Board } from '../model/board.ts'
import { KeysHelp } from '../shell/keys-help.tsx'
import { Toasts } from '../shell/toasts.tsx'
import type { Drawer } from '../top-bar/menu.tsx'
import { TopBar } from '../top-bar/top-bar.tsx'
import { Columns } from './columns.tsx'

export function BoardScreen({ board }: { readonly board: Board }) {
  const [drawer, setDrawer] = useState<Drawer | null>(null)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const isAdmin = useSignalValue(board.team) === ADMIN
  const status = useSignalValue(board.tasks.status)
  return (
    <div className="screen" data-status={status} data-testid="board">
      <TopBar
        board={board}
        drawer={drawer}
        onToggle={(which) => setDrawer(which === drawer ? null : which)}
        onShowKeys={() => setHelpOpen(true)}
      />
      <div className="stage">
        <Columns board={board} onShowKeys={() => setHelpOpen(true)} />
        {drawer === 'hood' && <Hood board={board} onClose={() => setDrawer(null)} />}
        {drawer === 'members' && isAdmin && <Members board={board} onClose={() => setDrawer(null)} />}
      </div>
      <Toasts notices={board.notices} />
      {isHelpOpen && <KeysHelp onClose={() => setHelpOpen(false)} />}
    </div>
  )
}
