// The board of this tab, or none. Outside of React, so that a remount opens nothing twice.
import { computed, type ReadonlySignal, signal } from '@preact/signals-core'
import { type Board, openBoard } from '../model/board.ts'
import { forgetSession, keepSession, readSession, requestSession } from '../model/session-store.ts'

const saved = readSession()
const current = signal<Board | null>(saved === null ? null : openBoard(saved))

export const currentBoard: ReadonlySignal<Board | null> = current

export const currentTeam: ReadonlySignal<string | undefined> = computed(() => current.value?.team.value)

/** @throws Error whose message can be shown */
export async function signIn(name: string, team: string, isRemembered: boolean): Promise<void> {
  const session = await requestSession(name, team)
  keepSession(session, isRemembered)
  current.value = openBoard(session)
}

export function signOut(): void {
  current.peek()?.close()
  forgetSession()
  current.value = null
}
