import { DnrError, utf8Bytes } from '@dnr/protocol'

/** What a connection says of itself beside who it is. */
export type Metadata = Readonly<Record<string, unknown>>

export const DEFAULT_MAX_METADATA_BYTES = 1_024

/** @throws DnrError `bad_metadata` when it is longer than `maxBytes` as JSON. */
export function checkMetadata(metadata: Metadata, maxBytes: number): void {
  const bytes = utf8Bytes(JSON.stringify(metadata))
  if (bytes <= maxBytes) return
  throw new DnrError(
    'bad_metadata',
    `The metadata has ${bytes} bytes of JSON; at most ${maxBytes} are allowed.`,
  )
}
