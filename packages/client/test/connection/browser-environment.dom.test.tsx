import { expect, test } from 'vitest'
import { browserEnvironment } from '../../src/connection/browser-environment.ts'
import type { EnvironmentEvent } from '../../src/connection/environment.ts'

const transition = (type: string, persisted: boolean): Event => Object.assign(new Event(type), { persisted })

test('hears network, visibility and the back/forward cache of the page, until it is undone', () => {
  const heard: EnvironmentEvent[] = []
  const undo = browserEnvironment.listen((event) => heard.push(event))
  const all = (): void => {
    window.dispatchEvent(new Event('online'))
    window.dispatchEvent(new Event('offline'))
    window.dispatchEvent(transition('pagehide', true))
    window.dispatchEvent(transition('pageshow', true))
    window.dispatchEvent(transition('pageshow', false))
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  }
  all()
  expect(heard).toEqual([
    { type: 'wake' },
    { type: 'offline' },
    { type: 'hide', persisted: true },
    { type: 'show' },
    { type: 'wake' },
  ])
  undo()
  all()
  expect(heard).toHaveLength(5)
})

test('a page that becomes hidden wakes nobody; the network does, also while it is hidden', () => {
  const heard: EnvironmentEvent[] = []
  const undo = browserEnvironment.listen((event) => heard.push(event))
  Object.defineProperty(document, 'hidden', { value: true, configurable: true })
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  expect(heard).toEqual([])
  window.dispatchEvent(new Event('online'))
  expect(heard).toEqual([{ type: 'wake' }])
  undo()
})
