import type { Parsed } from '../parsed.ts'

/**
 * Frame ↔ value. JSON text is the default; both ends must be given the same one.
 *
 * `encode` is called once per message whatever the number of receivers; `decode` gets frames from outside and
 * answers bad ones as a value, never by throwing.
 */
export interface Codec {
  encode(message: object): string
  decode(frame: string): Parsed<unknown>
}

/** JSON text frames; nesting is refused beyond {@link MAX_NESTING}, keys named `__proto__` always. */
export const jsonCodec: Codec = {
  encode: (message) => JSON.stringify(message),
  decode: decodeJson,
}

/** Deepest nesting of arrays and objects in a frame. */
export const MAX_NESTING = 32

function decodeJson(frame: string): Parsed<unknown> {
  if (nestingOf(frame) > MAX_NESTING) {
    return { ok: false, code: 'bad_message', message: `The frame nests deeper than ${MAX_NESTING} levels.` }
  }
  let value: unknown
  try {
    value = JSON.parse(frame)
  } catch {
    return { ok: false, code: 'bad_json', message: 'The frame is not JSON.' }
  }
  // Whoever spreads or merges such an object by mistake would change a prototype, so it goes no further than here.
  if (frame.includes('__proto__') || frame.includes('\\u')) {
    if (hasProtoKey(value))
      return { ok: false, code: 'bad_message', message: 'The frame has a key named "__proto__".' }
  }
  return { ok: true, value }
}

/** Counts brackets outside strings, before anything recursive sees the text. */
function nestingOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (inString) {
      if (unit === 0x5c) index++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x7b || unit === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (unit === 0x7d || unit === 0x5d) depth--
  }
  return deepest
}

function hasProtoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasProtoKey)
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProtoKey)
}
