// Beside the path: finds the answer to each request. Holds what was asked and not yet answered; sends nothing again.
import { type Clock, DnrError, type ServerMessage } from '@dnr/protocol'
import { readWireError } from './wire-error.ts'

export type Settle = (error: DnrError | null, answer?: ServerMessage) => void

export interface Requests {
  /**
   * Sends `message` under a request id of its own. `settle` is called once; at once when it cannot be sent. The time-out
   * begins when it is sent.
   */
  ask(message: object, settle: Settle, timeoutMs?: number): () => void
  /** Takes a message that answers a request; false: it answers none. */
  answer(message: ServerMessage): boolean
  /** Refuses everything unanswered. `isSent`: only what has left for the server. */
  refuseAll(error: DnrError, isSent?: boolean): void
}

/** `onTimeout` hears that an answer did not come in time: is the socket half open? */
export function createRequests(
  clock: Clock,
  defaultTimeoutMs: number,
  send: (message: object, sent: () => void) => DnrError | null,
  onTimeout: () => void,
): Requests {
  const settleById = new Map<string, Settle>()
  const sentIds = new Set<string>()
  let lastId = 0

  return {
    ask(message, settle, timeoutMs = defaultTimeoutMs) {
      const requestId = `r${++lastId}`
      // Whoever withdraws a request hears nothing more of it.
      let cancel = (): void => {}
      const withdraw = (): boolean => {
        cancel()
        sentIds.delete(requestId)
        return settleById.delete(requestId)
      }
      const finish: Settle = (error, answer) => {
        if (withdraw()) settle(error, answer)
      }
      const sent = (): void => {
        if (!settleById.has(requestId)) return
        sentIds.add(requestId)
        cancel = clock.setTimeout(() => {
          finish(new DnrError('timeout', `No answer within ${timeoutMs} ms.`, { retryable: true }))
          onTimeout()
        }, timeoutMs)
      }
      settleById.set(requestId, finish)
      const error = send({ ...message, requestId }, sent)
      if (error) finish(error)
      return withdraw
    },
    answer(message) {
      const settle = settleById.get(message.requestId ?? '')
      if (message.type === 'error') settle?.(readWireError(message))
      else settle?.(null, message)
      return !!settle
    },
    refuseAll(error, isSent) {
      settleById.forEach((settle, id) => (!isSent || sentIds.has(id)) && settle(error))
    },
  }
}
