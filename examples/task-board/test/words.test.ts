import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createLogger } from '../src/server/logger.ts'
import { hueOf, initialsOf } from '../src/web/model/person.ts'
import { sentenceOf } from '../src/web/model/refusal.ts'

test('a refusal is one sentence that names the field', () => {
  const errors = [{ path: ['title'], message: 'is longer than 200 characters' }]
  expect(sentenceOf(new DnrError('bad_field', 'title: …', { details: { errors } }))).toBe(
    'Server refused: title is longer than 200 characters.',
  )
  expect(sentenceOf(new DnrError('forbidden', 'You may not create this Task.'))).toBe(
    'Server refused: You may not create this Task.',
  )
})

test('initials are the first letters of the first and the last name', () => {
  expect(['bob', 'Bob Miller', 'Ana de la Cruz', '🦊 fox', 'ßé'].map(initialsOf)).toEqual([
    'B',
    'BM',
    'AC',
    '🦊F',
    'SS',
  ])
})

test('a person has the same colour everywhere', () => {
  expect(hueOf('alice')).toBe(hueOf('alice'))
  const hues = new Set(Array.from({ length: 60 }, (_, index) => hueOf(`user${index}`)))
  expect(hues.size).toBe(12)
})

test('the log keeps to its level and writes errors as text', () => {
  const lines: string[] = []
  const logger = createLogger('info', (line) => lines.push(line))
  logger.error('It failed.', { error: new Error('why') })
  logger.info('It changed.')
  logger.debug('It is detailed.')
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['error', 'info'])
  expect(lines[0]).toContain('Error: why')
})
