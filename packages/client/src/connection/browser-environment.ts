import type { Environment } from './environment.ts'
import type { SocketFactory } from './socket.ts'

/** The page's own events; where there is no page (Node, a worker) it never says anything. */
export const browserEnvironment: Environment = {
  listen(listener) {
    const { window: page } = globalThis as { window?: Window }
    const end = new AbortController()
    const hear = ({ type, persisted }: PageTransitionEvent): void => {
      if (type === 'offline') listener({ type })
      else if (type === 'pagehide') listener({ type: 'hide', persisted })
      else if (type === 'pageshow') {
        if (persisted) listener({ type: 'show' })
      } else if (type === 'online' || !page?.document.hidden) listener({ type: 'wake' })
    }
    // A change of visibility is the document's, but bubbles up to the window.
    for (const name of ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange']) {
      page?.addEventListener?.(name, hear as (event: Event) => void, { signal: end.signal })
    }
    return () => end.abort()
  },
}

/** The platform's own WebSocket. */
export const openWebSocket: SocketFactory = (url, protocols) => new WebSocket(url, protocols)
