/** A table of text in columns; the first column is aligned left, the others right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]) =>
    widths
      .map((width, column) =>
        column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
      )
      .join('  ')
  const [head = [], ...body] = rows
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(line)]
    .map((text) => text.trimEnd())
    .join('\n')
}

/** Whether a figure is within its budget, in words. */
export function verdict(value: number, budget: number): string {
  return value <= budget ? 'met' : 'NOT MET'
}

/** A figure that a budget may be held against. */
export interface Judged {
  readonly title: string
  readonly value: number
  readonly atMost?: number
  readonly atLeast?: number
}

export function judgedHead(isJudged: boolean): string[] {
  return ['', 'measured', ...(isJudged ? ['budget', ''] : [])]
}

/** A line of a table of such figures. */
export function judgedCells({ title, value, atMost, atLeast }: Judged, isJudged: boolean): string[] {
  const cells = [title, value.toFixed(2)]
  if (!isJudged) return cells
  if (atMost !== undefined) return [...cells, `≤ ${atMost}`, verdict(value, atMost)]
  return atLeast === undefined ? cells : [...cells, `≥ ${atLeast}`, verdict(atLeast, value)]
}
