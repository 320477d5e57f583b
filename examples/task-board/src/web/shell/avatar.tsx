import type { Activity } from '@dnr/protocol'
import type { CSSProperties } from 'react'
import { hueOf, initialsOf } from '../model/person.ts'

export interface AvatarProps {
  readonly id: string
  readonly name: string
  /** Draws a ring when given. */
  readonly state?: Activity
  /** Shown as a small number when there are several. */
  readonly tabs?: number
  readonly title?: string
}

export function Avatar({ id, name, state, tabs = 1, title = name }: AvatarProps) {
  return (
    <span
      className="avatar"
      data-state={state}
      style={personStyle(id)}
      role="img"
      aria-label={title}
      title={title}
    >
      <span aria-hidden="true">{initialsOf(name)}</span>
      {tabs > 1 && (
        <span className="avatar-tabs" aria-hidden="true">
          {tabs}
        </span>
      )}
    </span>
  )
}

/** `--hue` for everything that is in a person's colour. */
export function personStyle(id: string): CSSProperties {
  return { '--hue': hueOf(id) } as CSSProperties
}
