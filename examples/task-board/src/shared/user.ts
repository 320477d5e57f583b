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

/** The team that sees every team, and moves people from one to another. */
export const ADMIN = 'admin'

/** Somebody who is connected, as admins see them. */
export interface Member extends User {
  readonly connections: number
}

/** `room:members`, for admins: who is connected, whenever that changed. */
export interface MembersMessage {
  readonly type: 'members'
  readonly payload: { readonly members: readonly Member[] }
}

/** `user:{id}`: an admin has moved them. */
export interface TeamMessage {
  readonly type: 'team'
  readonly payload: { readonly team: string; readonly by: string }
}
