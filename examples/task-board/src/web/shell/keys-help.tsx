import { useEffect, useRef } from 'react'

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['← ↑ → ↓', 'go from card to card'],
  ['m, then an arrow', 'move the card'],
  ['n', 'new task in this column'],
  ['e or Enter', 'edit the card'],
  ['Del', 'delete the card'],
  ['Esc', 'let go, close'],
  ['?', 'this list'],
]

export function KeysHelp({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog ref={dialog} className="keys" aria-labelledby="keys-title" onClose={onClose}>
      <h2 id="keys-title">Keys</h2>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button className="button">Close</button>
      </form>
    </dialog>
  )
}
