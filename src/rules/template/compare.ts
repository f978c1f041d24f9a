import { TemplateError } from './lex.ts'
import { isList, isMap, TemplateArguments, TemplateSample, typeName, type Value } from './value.ts'

/** Go `text/template/funcs.go`: comparison without any conversion. `gt $value 1` is refused because 1 is an int. */

type Basic = string | number | bigint | boolean

function basic(value: Value): Basic {
  const type = typeof value
  if (type === 'string' || type === 'number' || type === 'bigint' || type === 'boolean') return value as Basic
  throw new TemplateError('invalid type for comparison')
}

function bothBasic(a: Value, b: Value): readonly [Basic, Basic] {
  const x = basic(a)
  const y = basic(b)
  if (typeof x !== typeof y) throw new TemplateError('incompatible types for comparison')
  return [x, y]
}

/** Whether the first equals any of the others. */
export function equal(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new TemplateError('missing argument for comparison')
  return others.some(other => {
    const [a, b] = bothBasic(first, other)
    return a === b
  })
}

export function less(first: Value, second: Value): boolean {
  const [a, b] = bothBasic(first, second)
  if (typeof a === 'boolean') throw new TemplateError('invalid type for comparison')
  return a < b
}

export const lessOrEqual = (first: Value, second: Value): boolean =>
  less(first, second) || equal(first, [second])

/** `len`: bytes of a text, entries of a map, samples of a result. */
export function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(new TextEncoder().encode(value).length)
  if (isMap(value)) return BigInt(value.size)
  if (isList(value)) return BigInt(value.length)
  if (value instanceof TemplateArguments) return BigInt(value.values.size)
  throw new TemplateError(value === undefined ? 'len of nil pointer' : `len of type ${typeName(value)}`)
}

/** `index`: into a map by name, into a result by number; a name that is not there gives the empty text. */
export function indexInto(value: Value, keys: readonly Value[]): Value {
  let found = value
  for (const key of keys) {
    if (found === undefined) throw new TemplateError('index of untyped nil')
    if (isMap(found) || found instanceof TemplateArguments) {
      if (typeof key !== 'string')
        throw new TemplateError(`value has type ${typeName(key)}; should be string`)
      found = isMap(found) ? (found.get(key) ?? '') : found.values.get(key)
    } else if (isList(found) || typeof found === 'string') {
      if (typeof key !== 'bigint')
        throw new TemplateError(`cannot index slice/array with type ${typeName(key)}`)
      const length = Number(lengthOf(found))
      if (key < 0n || Number(key) >= length) throw new TemplateError(`index out of range: ${key}`)
      found = isList(found) ? found[Number(key)] : BigInt(new TextEncoder().encode(found)[Number(key)] ?? 0)
    } else throw new TemplateError(`can't index item of type ${typeName(found)}`)
  }
  return found
}

/** A field of a value: a label of a map, `.Labels` and `.Value` of a sample. */
export function fieldOf(value: Value, name: string): Value {
  if (isMap(value)) return value.get(name) ?? ''
  if (value instanceof TemplateArguments) return value.values.get(name)
  if (value instanceof TemplateSample) {
    if (name === 'Labels') return value.labels
    if (name === 'Value') return value.value
  }
  if (value === undefined) throw new TemplateError(`nil data; no entry for key ${JSON.stringify(name)}`)
  throw new TemplateError(`can't evaluate field ${name} in type ${typeName(value)}`)
}
