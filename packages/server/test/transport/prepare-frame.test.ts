import { expect, test } from 'vitest'
import { frameOf } from '../../src/connection/frame.ts'
import { prepareFrame } from '../../src/transport/prepare-frame.ts'

test.each([0, 1, 125, 126, 65_535, 65_536, 70_000])(
  'a frame of %i bytes has the header that belongs to it',
  (length) => {
    const wire = prepareFrame(frameOf('x'.repeat(length)))
    expect(wire[0]).toBe(0x81)
    const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
    expect(wire.length).toBe(header + length)
    const said =
      header === 2 ? wire[1] : header === 4 ? wire.readUInt16BE(2) : Number(wire.readBigUInt64BE(2))
    expect(said).toBe(length)
  },
)

test('a frame is prepared once, text beyond ASCII with its bytes', () => {
  const frame = frameOf('"é€😀"')
  expect(prepareFrame(frame)).toBe(prepareFrame(frame))
  expect(prepareFrame(frame).subarray(2).toString()).toBe('"é€😀"')
})
