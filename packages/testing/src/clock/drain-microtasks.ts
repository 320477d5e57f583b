interface MessagePorts {
  readonly port1: { onmessage: (() => void) | null; close(): void }
  readonly port2: { postMessage(message: null): void }
}

/** The part of Node or of a browser used here. */
interface Host {
  readonly setImmediate?: (callback: () => void) => unknown
  readonly MessageChannel: new () => MessagePorts
}

const host = globalThis as unknown as Host

// Taken once: fake timers that are installed later do not stop it.
const { setImmediate } = host

/**
 * Resolves when every microtask that waits now, and every one that those start, has run.
 *
 * It waits for the next turn of the event loop, which begins when no microtask is left.
 */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate === undefined) nextMessage(resolve)
    else setImmediate(resolve)
  })
}

function nextMessage(callback: () => void): void {
  const { port1, port2 } = new host.MessageChannel()
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- setting it also starts the port
  port1.onmessage = () => {
    port1.close()
    callback()
  }
  port2.postMessage(null)
}
