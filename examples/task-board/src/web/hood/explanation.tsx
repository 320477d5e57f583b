import { useSignalValue } from '@dnr/react'
import { useEffect, useState } from 'react'
import type { Board } from '../model/board.ts'

/** Why somebody got the change at `offset`, or did not: the server's own words, one step a line. */
export function Explanation({ board, offset }: { readonly board: Board; readonly offset: number }) {
  const everybody = useSignalValue(board.admin.everybody)
  const [userId, setUserId] = useState(board.user.id)
  const [lines, setLines] = useState<readonly string[]>([])

  useEffect(() => {
    let isWanted = true
    const show = (answer: readonly string[]): void => {
      if (isWanted) setLines(answer)
    }
    board.admin.explain(userId, offset).then(show, (error: Error) => show([error.message]))
    return () => {
      isWanted = false
    }
  }, [board, userId, offset])

  return (
    <div className="explanation" data-testid="explanation">
      <label>
        Why, for
        <select value={userId} onChange={(event) => setUserId(event.target.value)}>
          {everybody.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  )
}
