import { useSignalValue } from '@dnr/react'
import { computed } from '@preact/signals-core'
import { useEffect, useMemo, useState } from 'react'
import type { Board } from '../model/board.ts'

const SAVED_MS = 900

/** `pending` while the server has not stored what I did to a card, `saved` for a blink when it has. */
export function useSaveMark(board: Board, id: string): 'none' | 'pending' | 'saved' {
  const isPending = useSignalValue(
    useMemo(() => computed(() => board.tasks.pendingOf(id).state === 'pending'), [board, id]),
  )
  const isFailed = useSignalValue(
    useMemo(() => computed(() => board.tasks.pendingOf(id).state === 'failed'), [board, id]),
  )
  const [wasPending, setWasPending] = useState(isPending)
  const [isSaved, setSaved] = useState(false)
  if (wasPending !== isPending) {
    setWasPending(isPending)
    setSaved(wasPending && !isFailed)
  }
  useEffect(() => {
    if (!isSaved) return
    const timer = setTimeout(() => setSaved(false), SAVED_MS)
    return () => clearTimeout(timer)
  }, [isSaved])
  return isPending ? 'pending' : isSaved ? 'saved' : 'none'
}
