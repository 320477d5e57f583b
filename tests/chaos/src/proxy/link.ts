import type { Socket } from 'node:net'
import { createPipe, type Pipe, type PipeOptions } from './pipe.ts'

/** One connection through the proxy: the client's socket, the one to the server, and the two ways between them. */
export interface Link {
  /** Client to server. */
  readonly up: Pipe
  /** Server to client. */
  readonly down: Pipe
  readonly isOpen: boolean
  /** Is a fault of some length under way? */
  isBusy: boolean
  /** Both ends see an orderly close. */
  end(): void
  /** Neither end is told any more what becomes of the other. */
  part(): void
  /** The named end sees a reset, at once; the other one too, unless they were parted. */
  reset(end?: 'client' | 'server'): void
}

/** Joins both sockets. When one breaks, the other is reset, unless they were parted. */
export function createLink(
  client: Socket,
  server: Socket,
  options: { readonly up?: PipeOptions; readonly down?: PipeOptions; onClosed(): void },
): Link {
  let isOpen = true
  let isParted = false
  const join = (near: Socket, far: Socket): void => {
    near.setNoDelay(true)
    // After an orderly end the pipe tells the other side, and may still be carrying.
    near.on('error', () => {
      if (!isParted) far.resetAndDestroy()
    })
    near.on('close', () => {
      if (!isOpen || !far.destroyed) return
      isOpen = false
      options.onClosed()
    })
  }
  join(client, server)
  join(server, client)
  const up = createPipe(client, server, options.up)
  const down = createPipe(server, client, options.down)
  return {
    up,
    down,
    isBusy: false,
    get isOpen() {
      return isOpen
    },
    end() {
      up.endTarget()
      down.endTarget()
    },
    part() {
      isParted = true
    },
    reset(end) {
      if (end !== 'server' || !isParted) client.resetAndDestroy()
      if (end !== 'client' || !isParted) server.resetAndDestroy()
    },
  }
}
