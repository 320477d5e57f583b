import { startDnrWithFile } from '../contenders/dnr-written.ts'
import { itemFields, itemRow } from '../contenders/item.ts'
import { RESUME_ROWS, type ResumeContender } from './resume-contender.ts'

/** The whole server with its log in a file; what clients missed was written through the repository. */
export async function startDnrLog(file: string, changes: number): Promise<ResumeContender> {
  const { items, history, port, close } = await startDnrWithFile(file)
  const ids = Array.from({ length: RESUME_ROWS }, (_, index) => `item-${index}`)
  await Promise.all(ids.map((id) => items.create({ ...itemFields(0), id })))
  for (let n = 0; n < changes; n += RESUME_ROWS) {
    const { title, rank } = itemRow(n)
    await Promise.all(ids.map((id, index) => items.update(id, { title, rank: rank + index })))
  }
  const { epoch, offset } = await history.head()
  return {
    port,
    close,
    request: (missed) =>
      JSON.stringify({
        type: 'subscribe',
        channel: 'entity:Item',
        payload: { position: { epoch, offset: offset - missed } },
      }),
  }
}
