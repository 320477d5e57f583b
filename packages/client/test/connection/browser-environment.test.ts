import { expect, test } from 'vitest'
import { browserEnvironment } from '../../src/connection/browser-environment.ts'

test('says nothing where there is no page', () => {
  expect(() => browserEnvironment.listen(() => {})()).not.toThrow()
})
