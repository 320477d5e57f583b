/** Who is signed in. The id is the lower-cased name; the team `admin` sees every team. */
export interface User {
  readonly id: string
  readonly name: string
  readonly team: string
}

/** What `POST /api/session` answers. */
export interface Session {
  readonly token: string
  readonly user: User
}

/** The teams that the sign-in card offers. */
export const TEAMS = ['red', 'blue', 'green'] as const
