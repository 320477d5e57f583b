import { expect, test } from 'vitest'
import { generateProgram } from '../src/program/generate.ts'
import { runProgram } from '../src/run-program.ts'

test.each([1, 7, 23, 42, 101])('seed %i gives the same trace each time, byte by byte', async (seed) => {
  const program = generateProgram(seed)
  expect(generateProgram(seed)).toEqual(program)
  const first = await runProgram(program)
  const second = await runProgram(program)
  expect(second.trace.join('\n')).toBe(first.trace.join('\n'))
  expect(first.trace.length).toBeGreaterThan(100)
})

test('a program has at least five clients and a hundred operations', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { clients, operations } = generateProgram(seed)
    expect(clients).toBeGreaterThanOrEqual(5)
    expect(operations.length).toBeGreaterThanOrEqual(100)
  }
})
