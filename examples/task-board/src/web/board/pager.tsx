import { type RefObject, useEffect, useState } from 'react'
import type { Status, Task } from '../../shared/task.ts'
import { COLUMNS } from '../model/columns.ts'

interface PagerProps {
  readonly root: RefObject<HTMLElement | null>
  readonly counts: Readonly<Record<Status, readonly Task[]>>
}

/** The tabs of a phone, where one column fills the screen; elsewhere they are not shown. */
export function Pager({ root, counts }: PagerProps) {
  const [current, setCurrent] = useState<Status>('todo')

  useEffect(() => {
    const columns = root.current?.querySelectorAll<HTMLElement>('[data-column]') ?? []
    const observer = new IntersectionObserver(
      (entries) => {
        const seen = entries.find(({ isIntersecting }) => isIntersecting)?.target as HTMLElement | undefined
        if (seen !== undefined) setCurrent(seen.dataset['column'] as Status)
      },
      { root: root.current, threshold: 0.6 },
    )
    for (const column of columns) observer.observe(column)
    return () => observer.disconnect()
  }, [root])

  return (
    <nav className="pager" aria-label="Columns">
      {COLUMNS.map(({ status, name }) => (
        <button
          key={status}
          type="button"
          data-tab={status}
          aria-current={status === current}
          onClick={() => showColumn(root.current, status)}
        >
          {name} <span className="count">{counts[status].length}</span>
        </button>
      ))}
    </nav>
  )
}

/** Brings a column into view; where all of them are, nothing happens. */
export function showColumn(root: HTMLElement | null, status: Status): void {
  root?.querySelector(`[data-column="${status}"]`)?.scrollIntoView({ inline: 'center', block: 'nearest' })
}
