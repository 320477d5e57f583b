// Recognises rare situations from what goes over the wire. Holds what each connection was last told.
import type { LinkWatcher } from '@dnr/testing'
import type { Coverage } from '../coverage.ts'

export interface EdgesOptions {
  readonly coverage: Coverage
  /** The last committed offset. */
  head(): number
  /** How often the log has been trimmed. */
  trims(): number
}

// oxlint-disable-next-line typescript/no-explicit-any -- frames as they travel
type Frame = { readonly type: string; readonly [field: string]: any }

export function createEdges({ coverage, head, trims }: EdgesOptions): LinkWatcher {
  const asked = new Map<string, { key: string; position: boolean; head: number; trims: number }>()
  const live = new Set<string>()
  const mutations = new Set<string>()
  const sentMutations = new Map<string, string>()
  const begun = new Map<string, number>()

  /** The last rows go out, and the log is past the position that they began with. */
  const overtaken = (key: string): void => {
    const from = begun.get(key)
    if (from !== undefined && head() > from) coverage['snapshot overtaken by a write']++
    begun.delete(key)
  }

  return {
    received(link, text) {
      const frame = JSON.parse(text) as Frame
      const key = `${link.name} ${frame['channel']} ${frame['payload']?.subscription}`
      if (frame.type === 'subscribe') {
        const position = frame['payload']?.position !== undefined
        asked.set(`${link.name} ${frame['requestId']}`, { key, position, head: head(), trims: trims() })
        if (live.has(key)) coverage['subscription replaced']++
        if (frame['payload']?.readTo?.offset > frame['payload']?.position?.offset)
          coverage['resume with newer rows']++
      } else if (frame.type === 'mutate') {
        const id = frame['payload'].mutationId as string
        if (mutations.has(id)) coverage['answer lost, write repeated']++
        mutations.add(id)
        sentMutations.set(`${link.name} ${id}`, id)
      }
    },
    sent(link, text) {
      const frame = JSON.parse(text) as Frame
      const key = `${link.name} ${frame['channel']} ${frame['subscription']}`
      if (frame.type.startsWith('entity:')) {
        if (frame['conflated'] !== undefined) coverage['changes told together']++
        if (frame['reason'] === 'left') coverage['row left sight']++
        if (frame['reason'] === 'entered') coverage['row came into sight']++
        if (sentMutations.has(`${link.name} ${frame['mutationId']}`)) coverage['event before its answer']++
      } else if (frame.type === 'subscribed') {
        const question = asked.get(`${link.name} ${frame['requestId']}`)
        live.add(key)
        if (frame['payload'].grant === 'unsettled') coverage['told to be in doubt']++
        if (question === undefined && frame['payload'].recovered === true)
          coverage['rights told without being asked']++
        // Trimmed between question and answer, or in the middle of what followed the answer.
        const isTrimmed =
          question === undefined ? frame['payload'].recovered === false : question.trims < trims()
        if (isTrimmed && question?.position !== false) coverage['resume during a trim']++
        if (question?.position === true)
          coverage[frame['payload'].recovered === true ? 'resume' : 'resume refused']++
        const { snapshot, position } = frame['payload']
        if (snapshot !== undefined) begun.set(key, position?.offset ?? 0)
        if (snapshot?.more === true) coverage['snapshot in several chunks']++
        if (snapshot?.more === false) overtaken(key)
      } else if (frame.type === 'snapshot' && frame['payload'].more === false) {
        overtaken(key)
        if (frame['payload'].grant !== undefined) coverage['rights changed within a snapshot']++
      } else if (
        frame.type === 'error' &&
        frame['payload'].code === 'busy' &&
        frame['channel'] !== undefined
      ) {
        coverage['rights not known']++
      } else if (frame.type === 'mutated') sentMutations.delete(`${link.name} ${frame['payload'].mutationId}`)
      else if (frame.type === 'error' && frame['payload'].code === 'version_conflict')
        coverage['version conflict']++
    },
  }
}
