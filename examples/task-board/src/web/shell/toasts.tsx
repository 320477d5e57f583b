import { useSignalValue } from '@dnr/react'
import type { Notices } from '../model/notices.ts'
import { Icon } from './icons.tsx'

/** What is said beside the board: to eyes as toasts, to screen readers as a live region. */
export function Toasts({ notices }: { readonly notices: Notices }) {
  const toasts = useSignalValue(notices.toasts)
  const spoken = useSignalValue(notices.spoken)
  return (
    <>
      <div className="toasts" role="log" aria-live="assertive" data-testid="toasts">
        {toasts.map(({ key, text, kind }) => (
          <div key={key} className="toast" data-kind={kind}>
            <p>{text}</p>
            <button
              type="button"
              className="icon-button"
              aria-label="Dismiss"
              onClick={() => notices.dismiss(key)}
            >
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
      <div className="visually-hidden" role="status" data-testid="announcements">
        {spoken}
      </div>
    </>
  )
}
