import { DnrError, utf8Bytes } from '@dnr/protocol'

/** A close frame has 125 bytes, two of which are the code. */
const MAX_REASON_BYTES = 123

/** @throws DnrError `bad_option` for what no WebSocket can be closed with. */
export function checkClose(code: number, reason: string): void {
  const isAllowed = code === 1000 || (Number.isInteger(code) && code >= 3000 && code <= 4999)
  if (!isAllowed)
    throw new DnrError('bad_option', `The close code is ${String(code)}: expected 1000, or 3000 to 4999.`)
  const bytes = utf8Bytes(reason)
  if (bytes > MAX_REASON_BYTES)
    throw new DnrError(
      'bad_option',
      `The close reason has ${bytes} bytes: expected at most ${MAX_REASON_BYTES}.`,
    )
}
