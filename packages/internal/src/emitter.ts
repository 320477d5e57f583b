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
  type Registration = { readonly call: (payload: never) => void }
  const registrationsByEvent = new Map<keyof Events, readonly Registration[]>()

  return {
    on(event, listener) {
      const registration: Registration = { call: listener }
      registrationsByEvent.set(event, [...(registrationsByEvent.get(event) ?? []), registration])
      return () => {
        const left = (registrationsByEvent.get(event) ?? []).filter((other) => other !== registration)
        if (left.length > 0) registrationsByEvent.set(event, left)
        else registrationsByEvent.delete(event)
      }
    },
    emit(event, payload) {
      for (const { call } of registrationsByEvent.get(event) ?? []) {
        try {
          call(payload as never)
        } catch (error) {
          onError(error, event)
        }
      }
    },
  }
}
