import { createSeededRandom } from '@dnr/testing'

/** Choices out of a seed. */
export interface Draw {
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number
  chance(probability: number): boolean
  one<Value>(values: readonly Value[]): Value
}

export function createDraw(seed: number, name = ''): Draw {
  const random = createSeededRandom(mix(seed, name))
  const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1))
  return {
    random,
    whole,
    chance: (probability) => random() < probability,
    one: (values) => values[whole(0, values.length - 1)] as never,
  }
}

/** Neighbouring seeds and names give streams that have nothing to do with each other. */
function mix(seed: number, name: string): number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  for (let index = 0; index < name.length; index++)
    state = Math.imul(state ^ name.charCodeAt(index), 0x01000193)
  return (state ^ (state >>> 15)) | 0
}
