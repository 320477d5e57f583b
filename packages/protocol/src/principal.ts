/**
 * Who a connection or a request acts for; `null` in its place is a guest.
 *
 * Applications add what their policies need (`team`, `roles`): `interface User extends Principal { team: string }`.
 */
export interface Principal {
  /** Stable and unique. Names the `user:` channel and scopes mutation ids. */
  readonly id: string
  /** What others see in presence. @default the id */
  readonly name?: string
  /** When the session ends, milliseconds since the epoch; absent: never. */
  readonly expiresAt?: number
}
