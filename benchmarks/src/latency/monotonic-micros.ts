/** A clock that all processes of the machine share, in microseconds. */
export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 100n) / 10
}
