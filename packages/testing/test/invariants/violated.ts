import { InvariantViolation, type Property } from '../../src/index.ts'

/** The property that `act` violates; `null`: none. */
export function violated(act: () => void): Property | null {
  try {
    act()
    return null
  } catch (error) {
    if (error instanceof InvariantViolation) return error.property
    throw error
  }
}
