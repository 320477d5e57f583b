/** The token of an `Authorization: Bearer TOKEN`; `null` for any other. */
export function readBearer(header: string | undefined): string | null {
  return /^bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? null
}
