import { DnrError, type Logger, type Principal } from '@dnr/protocol'
import { createManualClock, type ManualClock } from '@dnr/testing'
import { createAuthenticator } from '../../src/connection/authenticate.ts'
import { createHttpHandler, type HttpHandler } from '../../src/http/http-handler.ts'
import type { Rule } from '../../src/policy/rule.ts'
import { createWriteService } from '../../src/writes/write-service.ts'
import { ann, bob, evaluator, Task, type TaskRow, teamRule, type User } from '../writes/fixtures.ts'
import { createMemoryStore, type MemoryStore } from '../writes/memory-store.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON came
  readonly body: any
  readonly text: string
}

export interface Setting {
  readonly store: MemoryStore
  readonly handler: HttpHandler
  readonly clock: ManualClock
  readonly logged: { message: string; details: unknown }[]
  /** Asks as ann, unless headers say otherwise. */
  ask(path: string, init?: RequestInit & { json?: unknown }): Promise<Answer>
}

export function setting(
  rows: Record<string, unknown>[] = [],
  rule: (user: User | null) => Rule<TaskRow> | Promise<Rule<TaskRow>> = teamRule,
): Setting {
  const store = createMemoryStore(Task, rows)
  const policies = evaluator(rule)
  const clock = createManualClock()
  const logged: Setting['logged'] = []
  const logger: Logger = {
    error: (message, details) => logged.push({ message, details }),
    info() {},
    debug() {},
  }
  const handler = createHttpHandler({
    stores: [store],
    policies,
    writes: createWriteService({ stores: [store], policies }),
    authenticator: createAuthenticator({
      authenticate: ({ token, cookies }) =>
        token === 'slow'
          ? new Promise<null>(() => {})
          : identify(token ?? cookies.get('session') ?? null, clock.now()),
      clock,
      logger,
    }),
    basePath: '/api',
    clock,
    handshakeTimeoutMs: 3_000,
    logger,
  })
  return {
    store,
    handler,
    clock,
    logged,
    async ask(path, { json, ...init } = {}) {
      const headers = new Headers(init.headers)
      if (!headers.has('authorization') && !headers.has('cookie')) headers.set('authorization', 'Bearer ann')
      if (headers.get('authorization') === '') headers.delete('authorization')
      const body = json === undefined ? init.body : JSON.stringify(json)
      const request = new Request(`http://localhost${path}`, {
        ...init,
        headers,
        ...(body == null ? {} : { body, duplex: 'half' }),
      })
      const response = await handler(request)
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: text === '' ? null : JSON.parse(text),
      }
    },
  }
}

function identify(token: string | null, now: number): Principal | null {
  if (token === 'ann') return ann
  if (token === 'bob') return bob
  if (token === 'old') return { ...ann, expiresAt: now - 1 }
  if (token === 'broken') throw new Error(`cannot parse ${token}`)
  if (token === null) return null
  throw new DnrError('unauthorized', 'Bad signature.')
}
