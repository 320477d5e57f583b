// From a program that fails to a small one that fails alike: whole kinds of operations go first, then ever smaller runs of them.
import type { PlantedBug } from './planted-bug.ts'
import type { Operation, Program } from './program/operation.ts'
import { runProgram } from './run-program.ts'

export interface Shrunk {
  readonly program: Program
  readonly runs: number
}

/** Programs tried at most: a failing seed has to be told of soon. */
const MAX_RUNS = 400

/** `property`: which one has to be violated still, so that one failure does not turn into another. */
export async function shrink(
  program: Program,
  property: string,
  bug: PlantedBug | null = null,
): Promise<Shrunk> {
  let best = program
  let runs = 0
  /** Takes the shorter list when it fails alike. */
  const attempt = async (operations: readonly Operation[]): Promise<boolean> => {
    if (runs >= MAX_RUNS || operations.length === best.operations.length) return false
    runs++
    const shorter = { ...best, operations }
    const { violation } = await runProgram(shorter, bug)
    if (violation?.property !== property) return false
    best = shorter
    return true
  }

  for (const kind of new Set(program.operations.map((operation) => operation.do)))
    await attempt(best.operations.filter((operation) => operation.do !== kind))
  for (let client = 0; client < program.clients; client++)
    await attempt(
      best.operations.filter((operation) => !('client' in operation) || operation.client !== client),
    )
  for (
    let size = Math.ceil(best.operations.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let start = 0; start < best.operations.length;) {
      const isGone = await attempt(
        best.operations.filter((_, index) => index < start || index >= start + size),
      )
      if (!isGone) start += size
    }
  }
  return { program: best, runs }
}
