/** What the page is told about the world around it. Hints only: a network that says it is back may be a captive portal. */
export type EnvironmentEvent =
  | { readonly type: 'wake' }
  | { readonly type: 'offline' }
  | { readonly type: 'hide'; readonly persisted: boolean }
  | { readonly type: 'show' }

/** Where a client hears of network and page life. The undo leaves no listener behind. */
export interface Environment {
  listen(listener: (event: EnvironmentEvent) => void): () => void
}
