import { type Clock, DnrError, type Logger, type Principal, silentLogger } from '@dnr/protocol'
import { systemClock, systemRandom } from '@dnr/internal'
import { nanoid } from 'nanoid'
import { type Authenticate, type Authenticator, createAuthenticator } from '../connection/authenticate.ts'
import { checkNumber, type LimitOptions, type Limits, resolveLimits } from '../limits/limits.ts'
import { policies, type Policies } from '../policy/policies.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { EntityStore } from '../ports/entity-store.ts'
import type { ServerPlugin } from '../ports/server-plugin.ts'
import type { StorageHealth } from '../ports/storage-health.ts'
import { createDiscreetLogger, type ErrorListener } from '../report/discreet-logger.ts'

/** What a server is made of. The first four are what most need; everything else has a default that is safe in production. */
export interface RealtimeServerOptions<P extends Principal = Principal> {
  /** Where rows are kept. @default none: events alone, by `eventBus.emit…` */
  readonly repositories?: readonly EntityStore[]
  /** The change log, for those who come back; `database.changeLog`. @default none: nobody resumes */
  readonly history?: ChangeHistory
  /** Says whether rows can be written, for `readiness()`: the `database`. @default none: nothing is known to be wrong */
  readonly storage?: StorageHealth
  /** Says who a token belongs to. @default nobody: every token is refused, everybody else is a guest */
  readonly authenticate?: Authenticate<P>
  /**
   * May a connection stay that is nobody's? `false` closes it with 4401 when it has not signed in `handshakeTimeoutMs` after
   * its `connected`. Guests may only `ping` and `auth` either way. @default true
   */
  readonly guests?: boolean
  /**
   * How long before its end a session is to be renewed, milliseconds: its client is asked at a random moment between twice
   * and once as long before, so that sessions that began together are not renewed together, and again in the middle third of
   * what is left. A session shorter than three times this is asked in its middle third. `0`: nobody is asked. @default 30_000
   */
  readonly refreshLeadMs?: number
  /** Who may see and write which rows, and hear which channels. @default nobody anything, but users their own `user:` channel */
  readonly policies?: Policies<P>
  /** Features such as presence. @default none */
  readonly plugins?: readonly ServerPlugin[]
  readonly limits?: LimitOptions
  /** Milliseconds between two pings of a connection; two without an answer close it (4408), unless the peer goes on taking what waits for it. @default 25_000 */
  readonly heartbeatIntervalMs?: number
  /** Milliseconds that an asynchronous rule may take before its principal is told `busy`. @default 5_000 */
  readonly policyTimeoutMs?: number
  /** Where the HTTP paths of the entities begin. @default '/api' */
  readonly basePath?: string
  /** @default the system's */
  readonly clock?: Clock
  /** Numbers from 0 up to, not including, 1; spreads reconnects. @default the system's */
  readonly random?: () => number
  /** Random names of connections. @default nanoid, 21 characters */
  readonly newId?: () => string
  /** Gets of errors their kind, code and place, never what they say: that may quote a token or a row. @default silent */
  readonly logger?: Logger
  /** Gets every error that the logger is told of, whole: for code that knows what it may show to whom. @default nobody */
  readonly onError?: ErrorListener
}

/** The options, checked and complete. */
export interface ResolvedOptions {
  readonly stores: readonly EntityStore[]
  readonly history: ChangeHistory | null
  readonly storage: StorageHealth | null
  readonly authenticator: Authenticator
  readonly guests: boolean
  readonly refreshLeadMs: number
  readonly policies: Policies
  readonly plugins: readonly ServerPlugin[]
  readonly limits: Limits
  readonly heartbeatIntervalMs: number
  readonly policyTimeoutMs: number
  readonly basePath: string
  readonly clock: Clock
  readonly random: () => number
  readonly newId: () => string
  readonly logger: Logger
}

/** Fills in the defaults. @throws DnrError `bad_option` naming option, value and range. */
export function resolveOptions<P extends Principal>(options: RealtimeServerOptions<P>): ResolvedOptions {
  const stores = options.repositories ?? []
  const names = stores.map((store) => store.entity.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new DnrError('bad_option', `repositories: ${twice} has two. Give each entity one.`)
  const basePath = options.basePath ?? '/api'
  if (!/^(\/[\w.~-]+)*$/.test(basePath)) {
    throw new DnrError(
      'bad_option',
      `basePath is "${basePath}": expected a path such as "/api", without a slash at its end.`,
    )
  }
  const { clock = systemClock } = options
  const logger = createDiscreetLogger(options.logger ?? silentLogger, options.onError ?? null)
  const authenticate = (options.authenticate as Authenticate | undefined) ?? null
  // Inside, principals are principals: what an application adds to them only its own rules read.
  return {
    stores,
    history: options.history ?? null,
    storage: options.storage ?? null,
    authenticator: createAuthenticator({ authenticate, clock, logger }),
    guests: options.guests ?? true,
    refreshLeadMs: checkNumber('refreshLeadMs', options.refreshLeadMs ?? 30_000, { min: 0, max: 86_400_000 }),
    policies: (options.policies ?? policies()) as Policies,
    plugins: options.plugins ?? [],
    limits: resolveLimits(options.limits),
    heartbeatIntervalMs: checkNumber('heartbeatIntervalMs', options.heartbeatIntervalMs ?? 25_000, {
      min: 100,
      max: 3_600_000,
    }),
    policyTimeoutMs: checkNumber('policyTimeoutMs', options.policyTimeoutMs ?? 5_000, {
      min: 1,
      max: 3_600_000,
    }),
    basePath,
    clock,
    random: options.random ?? systemRandom,
    newId: options.newId ?? (() => nanoid()),
    logger,
  }
}
