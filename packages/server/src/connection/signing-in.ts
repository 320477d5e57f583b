// Finds out whose a connection is. Holds what is under way of that, and for how long it may be. Comes from connection-life.ts; next:
// authenticate.ts.
import type { Clock, Logger } from '@dnr/protocol'
import type { AuthenticationResult, Authenticator, Credentials, Watch } from './authenticate.ts'
import type { Connection } from './connection.ts'
import { createDeadlines } from './deadlines.ts'

export interface SigningIn {
  /** Asks, and calls `settle` with what it comes to; one at a time for a connection. */
  begin(connection: Connection, credentials: Credentials, requestId?: string): void
  /** Its connection ends: an `authenticate` that never answers keeps nothing. Harmless when none is under way. */
  giveUp(connection: Connection): void
  stop(): void
}

export interface SigningInOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly authenticator: Authenticator
  readonly timeoutMs: number
  settle(connection: Connection, result: AuthenticationResult, requestId: string | undefined): void
  /** It takes too long, or its answer could not be settled. */
  fail(connection: Connection, reason: 'timeout' | 'internal'): void
}

export function createSigningIn(options: SigningInOptions): SigningIn {
  const { clock, logger, authenticator, settle, fail } = options
  const deadlines = createDeadlines<Connection>(clock, options.timeoutMs, (each) => fail(each, 'timeout'))
  const watches = new Map<Connection, Watch>()

  const giveUp = (connection: Connection): void => {
    deadlines.remove(connection)
    watches.get(connection)?.end()
    watches.delete(connection)
  }

  return {
    begin(connection, credentials, requestId) {
      const watch = authenticator.watch()
      watches.set(connection, watch)
      const finish = (answer: AuthenticationResult): void => {
        // Asked here: between the answer and this call somebody may have been signed out.
        const refused = answer.ok ? watch.refusalOf(answer.principal) : null
        giveUp(connection)
        settle(connection, refused ?? answer, requestId)
      }
      const result = authenticator.run(credentials)
      if (!(result instanceof Promise)) return finish(result)
      deadlines.add(connection)
      void result.then(finish).catch((error: unknown) => {
        logger.error('A connection could not be settled and is closed.', { error })
        fail(connection, 'internal')
      })
    },
    giveUp,
    stop: () => deadlines.stop(),
  }
}
