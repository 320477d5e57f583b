import { useSignalValue } from '@dnr/react'
import { useEffect } from 'react'
import { BoardScreen } from '../board/board-screen.tsx'
import { SignIn } from '../sign-in/sign-in.tsx'
import { currentBoard, currentTeam } from './open-board.ts'

export function App() {
  const board = useSignalValue(currentBoard)
  const team = useSignalValue(currentTeam)
  useEffect(() => {
    document.documentElement.dataset['team'] = team ?? ''
    document.title = team === undefined ? 'Task board' : `Task board · ${team}`
  }, [team])
  return board === null ? <SignIn /> : <BoardScreen key={board.user.id} board={board} />
}
