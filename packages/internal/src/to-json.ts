/** JSON in which bigints are text, as rows carry them. @throws TypeError when `value` holds itself. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
}
