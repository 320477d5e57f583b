// Rows that are only ever written together: in any state that anybody is shown, all rows of a bundle are of one round.

export const BUNDLES = 3
export const BUNDLE_ROWS = 4
export const BULK_USER = { id: 'bulk' }

export function bundleRowId(bundle: number, index: number): string {
  return `bundle-${bundle}-${index}`
}

export function bundleTitle(round: number): string {
  return `round ${round}`
}

export function mutationIdOf(round: number, index: number): string {
  return `bulk-${round}-${index}`
}

/** Says how rows of one bundle differ, or `null` when none does. */
export function findTear(rows: readonly { readonly id: string; readonly title: string }[]): string | null {
  const titles = new Map<string, string>()
  for (const { id, title } of rows) {
    const bundle = /^(bundle-\d+)-\d+$/.exec(id)?.[1]
    if (bundle === undefined) continue
    const known = titles.get(bundle)
    if (known !== undefined && known !== title) return `${bundle} shows "${known}" beside "${title}"`
    titles.set(bundle, title)
  }
  return null
}
