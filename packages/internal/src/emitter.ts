export interface Emitter<Events extends object> {
  /** Calls `listener` at every `event` until the returned function is called; calling that twice is harmless. */
  on<Name extends keyof Events>(event: Name, listener: (payload: Events[Name]) => void): () => void
  /** Calls the listeners of `event` in the order they came. One that throws disturbs neither the others nor the caller. */
  emit<Name extends keyof Events>(event: Name, payload: Events[Name]): void
}

/**
 * Typed events: `Events` maps each name to its payload.
 *
 * Listeners added or removed during an `emit` count from the next one on. `onError` gets what a listener threw,
 * with the name of the event; it must not throw itself.
 */
export function createEmitter<Events extends object>(
  onError: (error: unknown, event: keyof Events) => void,
): Emitter<Events> {
  // Each registration is an object of its own, so that one function registered twice is called and undone twice.
  type Registration = { readonly event: keyof Events; readonly listener: (payload: never) => void }
  let registrations: readonly Registration[] = []

  return {
    on(event, listener) {
      const own: Registration = { event, listener }
      registrations = [...registrations, own]
      return () => {
        registrations = registrations.filter((each) => each !== own)
      }
    },
    emit(event, payload) {
      for (const each of registrations) {
        try {
          if (each.event === event) each.listener(payload as never)
        } catch (error) {
          onError(error, event)
        }
      }
    },
  }
}
