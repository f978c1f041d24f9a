/** The label that holds a series' metric name (Prometheus data model). */
export const METRIC_NAME = '__name__'

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** True for a label name that Prometheus' classic data model accepts. */
export const isLabelName = (name: string): boolean => LABEL_NAME.test(name)

/** Orders strings by code unit, as Go orders label names; never by locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * An immutable set of labels, sorted by name; an empty value is the same as no label. Equal sets have equal `key`s, so `key`
 * serves in maps; the store and the registry additionally rely on a set's identity staying the same for a series' whole life.
 *
 * Source: Prometheus `model/labels` (sorted, empty values dropped).
 */
export class Labels implements Iterable<readonly [name: string, value: string]> {
  // `this`, not the name: TypeScript 6.0 emits an alias for the name here that is not yet assigned when this runs.
  static readonly EMPTY: Labels = new this([])

  /** name, value, name, value, … sorted by name. */
  readonly #flat: readonly string[]
  #key: string | undefined

  private constructor(flat: readonly string[]) {
    this.#flat = flat
  }

  /** From pairs in any order. Of a repeated name the last value counts. */
  static fromEntries(entries: Iterable<readonly [string, string]>): Labels {
    const values = new Map(entries)
    const names = [...values.keys()].sort(compareText)
    const flat: string[] = []
    for (const name of names) {
      const value = values.get(name)
      if (value !== undefined && value !== '') flat.push(name, value)
    }
    return flat.length === 0 ? (Labels.EMPTY ?? new Labels(flat)) : new Labels(flat)
  }

  /** From an object whose own keys are label names. */
  static from(record: Readonly<Record<string, string>>): Labels {
    return Labels.fromEntries(Object.entries(record))
  }

  /** The number of labels. */
  get size(): number {
    return this.#flat.length / 2
  }

  /** The metric name, or '' when there is none. */
  get metric(): string {
    return this.get(METRIC_NAME)
  }

  /** The value of a label, or '' when absent (Prometheus treats both alike). */
  get(name: string): string {
    const flat = this.#flat
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1] ?? ''
    return ''
  }

  has(name: string): boolean {
    return this.get(name) !== ''
  }

  /** A text that is equal exactly for equal sets. Computed once. */
  get key(): string {
    this.#key ??= this.#flat.join('\u0000')
    return this.#key
  }

  equals(other: Labels): boolean {
    return this === other || this.key === other.key
  }

  /** This set with one label set; an empty value removes it. */
  with(name: string, value: string): Labels {
    if (this.get(name) === value) return this
    return Labels.fromEntries([...this, [name, value]])
  }

  /** This set with all of `other` laid over it. */
  merge(other: Labels): Labels {
    return other.size === 0 ? this : Labels.fromEntries([...this, ...other])
  }

  /** Without the named labels. */
  without(names: ReadonlySet<string>): Labels {
    return this.#filter(name => !names.has(name))
  }

  /** Only the named labels. */
  only(names: ReadonlySet<string>): Labels {
    return this.#filter(name => names.has(name))
  }

  /** Without the metric name. */
  withoutMetric(): Labels {
    return this.#filter(name => name !== METRIC_NAME)
  }

  #filter(keep: (name: string) => boolean): Labels {
    const flat: string[] = []
    for (const [name, value] of this) if (keep(name)) flat.push(name, value)
    if (flat.length === this.#flat.length) return this
    return flat.length === 0 ? Labels.EMPTY : new Labels(flat)
  }

  *[Symbol.iterator](): IterableIterator<readonly [string, string]> {
    const flat = this.#flat
    for (let i = 0; i < flat.length; i += 2) yield [flat[i] ?? '', flat[i + 1] ?? '']
  }

  /** An object without prototype, safe for any label name. */
  toJSON(): Record<string, string> {
    const record = Object.create(null) as Record<string, string>
    for (const [name, value] of this) record[name] = value
    return record
  }

  /** As in PromQL: `name{a="x",b="y"}`. */
  toString(): string {
    const pairs = [...this]
      .filter(([name]) => name !== METRIC_NAME)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    return pairs.length === 0 && this.metric !== '' ? this.metric : `${this.metric}{${pairs.join(', ')}}`
  }

  /** Orders sets as Prometheus orders series: label by label, name before value, the shorter first. */
  static compare(a: Labels, b: Labels): number {
    const x = a.#flat
    const y = b.#flat
    const shared = Math.min(x.length, y.length)
    for (let i = 0; i < shared; i++) {
      const order = compareText(x[i] ?? '', y[i] ?? '')
      if (order !== 0) return order
    }
    return x.length - y.length
  }
}

const FNV_OFFSET = 0xcbf29ce484222325n
const FNV_PRIME = 0x100000001b3n
const MASK_64 = 0xffffffffffffffffn

/** Sixteen hexadecimal digits that identify a label set across processes: FNV-1a over name, 0xff, value, 0xff (prometheus/common `model/signature.go`). */
export function fingerprint(labels: Labels): string {
  const encoder = new TextEncoder()
  let hash = FNV_OFFSET
  const add = (byte: number): void => {
    hash = ((hash ^ BigInt(byte)) * FNV_PRIME) & MASK_64
  }
  for (const [name, value] of labels) {
    for (const byte of encoder.encode(name)) add(byte)
    add(0xff)
    for (const byte of encoder.encode(value)) add(byte)
    add(0xff)
  }
  return hash.toString(16).padStart(16, '0')
}
