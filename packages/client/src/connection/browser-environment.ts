import type { Environment } from './environment.ts'
import type { SocketFactory } from './socket.ts'

/** The page's own events; where there is no page (Node, a worker) it never says anything. */
export const browserEnvironment: Environment = {
  listen(listener) {
    const { window: page } = globalThis as { window?: Window }
    const end = new AbortController()
    for (const [name, type] of Object.entries(MEANINGS)) {
      const hear = ({ persisted }: PageTransitionEvent): void => {
        if (type === 'show' ? persisted : type !== 'wake' || !page?.document.hidden)
          listener({ type, persisted })
      }
      page?.addEventListener?.(name, hear as (event: Event) => void, { signal: end.signal })
    }
    return () => end.abort()
  },
}

/** A change of visibility is the document's, but bubbles up to the window. */
const MEANINGS = {
  online: 'wake',
  visibilitychange: 'wake',
  offline: 'offline',
  pagehide: 'hide',
  pageshow: 'show',
} as const

/** The platform's own WebSocket. */
export const openWebSocket: SocketFactory = (url, protocols) => new WebSocket(url, protocols)
