/** One encoded message, shared by all who receive it. */
export interface Frame {
  readonly text: string
  readonly byteLength: number
  /** The transport's prepared form, kept by it so that a shared frame is prepared once. */
  wire?: unknown
}

/** Messages that follow each other, shared by all who receive all of them. */
export interface FrameRun {
  readonly frames: readonly Frame[]
  /** The sum of theirs. */
  readonly byteLength: number
  /** A longer run that ends with these frames: what is prepared of that serves for this one. */
  readonly endOf?: FrameRun
  /** As that of a frame. */
  wire?: unknown
}

/**
 * A connection's socket as the server uses it; a transport makes one for each accepted socket.
 *
 * Frames arrive in the order they were sent, before a later `close`. `send` never throws and never calls back: it may
 * gather frames until the end of the tick. After `close` or `terminate` it does nothing. `closed` of the events is
 * called exactly once, never from within one of these methods.
 */
export interface ServerSocket {
  send(frame: Frame): void
  /** The same as `send` for one frame after the other. Optional: a transport that gains nothing by it leaves it out. */
  sendRun?(run: FrameRun): void
  close(code: number, reason: string): void
  terminate(): void
  ping(): void
  /** Bytes sent that the system has not taken yet. */
  readonly bufferedBytes: number
  /**
   * Another number whenever the system has taken more of them, be it a part of a frame. Optional: where it is not told, or `null`,
   * a reader who takes nothing is known by `bufferedBytes` alone.
   */
  readonly taken?: number | null
}

/** What a transport calls. Methods are called on the object itself. */
export interface SocketEvents {
  message(text: string): void
  binary(): void
  pong(): void
  closed(code: number, reason: string): void
}

/** What is known of a connection when it is made. */
export interface Handshake {
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly cookies: ReadonlyMap<string, string>
  readonly token: string | null
  readonly remoteAddress: string
}
