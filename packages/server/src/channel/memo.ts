/**
 * What was made for a key. Of a thousand channels with a change each most ask for one key alone, and then a map, and hashing the
 * key, would cost more than what is looked up.
 */
export class Memo<Value extends object | string> {
  #key: string | null = null
  #value: Value | undefined
  #others: Map<string, Value> | undefined

  get(key: string): Value | undefined {
    return this.#key === key ? this.#value : this.#others?.get(key)
  }

  /** Gives it back. */
  keep(key: string, value: Value): Value {
    if (this.#key === null) {
      this.#key = key
      this.#value = value
    } else (this.#others ??= new Map()).set(key, value)
    return value
  }
}
