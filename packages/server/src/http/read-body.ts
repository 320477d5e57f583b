import { DnrError, jsonCodec } from '@dnr/protocol'

/** Largest body of a request. */
export const MAX_BODY_BYTES = 65_536

/**
 * The JSON object in the body of a request. Reads no more than {@link MAX_BODY_BYTES}.
 *
 * @throws DnrError `too_big`, `bad_json` or `bad_request`.
 */
export async function readJsonObject(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const decoded = jsonCodec.decode(decodeText(await readBytes(request)))
  if (!decoded.ok) throw new DnrError(decoded.code, decoded.message.replace('The frame', 'The body'))
  const { value } = decoded
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DnrError(
      'bad_request',
      'The body must be a JSON object of fields, such as {"title":"Buy milk"}.',
    )
  }
  return value as Record<string, unknown>
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooBig()
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (;;) {
    const part = await reader?.read()
    if (part === undefined || part.done) return concatenate(chunks, size)
    size += part.value.byteLength
    if (size > MAX_BODY_BYTES) {
      await reader?.cancel()
      throw tooBig()
    }
    chunks.push(part.value)
  }
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DnrError('bad_json', 'The body is not UTF-8 text.', { cause })
  }
}

function tooBig(): DnrError {
  return new DnrError('too_big', `The body has more than ${MAX_BODY_BYTES} bytes.`)
}
