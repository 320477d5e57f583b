import { startDnrWithFile } from '../contenders/dnr-written.ts'
import { itemFields } from '../contenders/item.ts'
import type { OpeningContender } from './opening-contenders.ts'

const AT_ONCE = 1_000

/** The whole server, its rows written through the repository. */
export async function startDnrTable(file: string, rows: number): Promise<OpeningContender> {
  const { items, port, close } = await startDnrWithFile(file)
  for (let from = 0; from < rows; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, rows - from)
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        items.create({ ...itemFields(from + index), id: `item-${from + index}` }),
      ),
    )
  }
  return { port, close }
}
