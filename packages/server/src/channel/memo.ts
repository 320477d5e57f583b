/**
 * Gives what `make` makes for a key, made once. Of a thousand channels with a change each most ask for one key alone, and
 * then a map, and hashing the key, would cost more than what is looked up.
 */
export function createMemo<Value>(): (key: string, make: () => Value) => Value {
  let first: { readonly key: string; readonly value: Value } | null = null
  let others: Map<string, Value> | null = null
  return (key, make) => {
    if (first === null) {
      first = { key, value: make() }
      return first.value
    }
    if (first.key === key) return first.value
    const known = others?.get(key)
    if (known !== undefined) return known
    const made = make()
    others ??= new Map()
    others.set(key, made)
    return made
  }
}
