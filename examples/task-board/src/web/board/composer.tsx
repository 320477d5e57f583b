import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

interface ComposerProps {
  readonly initial: string
  onCreate(title: string): void
  onClose(): void
}

/** One line for a new task. Enter creates it and stays for the next one. */
export function Composer({ initial, onCreate, onClose }: ComposerProps) {
  const [title, setTitle] = useState(initial)
  const item = useRef<HTMLLIElement>(null)
  useEffect(() => {
    item.current?.scrollIntoView({ block: 'nearest' })
  })

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onClose()
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
    event.preventDefault()
    if (title.trim() === '') return onClose()
    onCreate(title.trim())
    setTitle('')
  }
  return (
    <li className="composer" ref={item}>
      <textarea
        aria-label="Title of the new task"
        placeholder="What is to be done?"
        data-testid="new-title"
        autoFocus
        rows={1}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => title.trim() === '' && onClose()}
      />
      <p className="quiet">Enter adds it, Esc closes.</p>
    </li>
  )
}
