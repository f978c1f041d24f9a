import type { Labels } from '../base/index.ts'

/** What stands in a row of a column. A gap is a row in which the series had no sample at all. */
export const VALUE = 0
export const STALE = 1
export const GAP = 2

const FIRST_CAPACITY = 16

/** Estimated bytes of one column's objects beside its numbers, and of one series' index entries beside its text. */
const COLUMN_OVERHEAD = 320
const SERIES_OVERHEAD = 640

/** What everything held costs, shared by whoever allocates. */
export interface Ledger {
  bytes: number
  samples: number
}

/** One label set and where its samples are. */
export interface Series {
  readonly id: number
  readonly labels: Labels
  /** By first time, ascending; those of one producer never overlap. */
  readonly columns: Column[]
  readonly bytes: number
  /** Set once it lost its last column: whoever still points at it must let go. */
  freed: boolean
}

export const newSeries = (id: number, labels: Labels): Series => ({
  id,
  labels,
  columns: [],
  bytes: SERIES_OVERHEAD + 4 * labels.key.length,
  freed: false,
})

/** The values of one series in one block: row `first + i` of the block's time column is index `i` here. */
export class Column {
  readonly series: Series
  readonly block: Block
  readonly first: number
  length = 0
  gaps = 0
  values = new Float64Array(FIRST_CAPACITY)
  /** VALUE, STALE or GAP an index; undefined while all are values. */
  marks: Uint8Array | undefined

  constructor(series: Series, block: Block, first: number) {
    this.series = series
    this.block = block
    this.first = first
    block.grow(COLUMN_OVERHEAD + this.values.byteLength)
  }

  get firstMs(): number {
    return this.block.timestamps[this.first] ?? Infinity
  }

  get lastMs(): number {
    return this.block.timestamps[this.first + this.length - 1] ?? -Infinity
  }

  /** Writes the given row, which must be behind every row written before; rows left out in between become gaps. */
  put(row: number, value: number, mark: typeof VALUE | typeof STALE): void {
    const index = row - this.first
    if (index >= this.values.length) this.#resize(Math.max(index + 1, this.values.length * 2))
    if (this.length < index) {
      this.#marks().fill(GAP, this.length, index)
      this.gaps += index - this.length
    }
    this.values[index] = value
    if (mark !== VALUE) this.#marks()[index] = mark
    this.length = index + 1
    this.block.ledger.samples++
  }

  /** Estimated bytes of its objects and numbers. */
  get bytes(): number {
    return COLUMN_OVERHEAD + this.values.byteLength + (this.marks?.byteLength ?? 0)
  }

  /** Gives back what was allocated ahead. */
  trim(): void {
    if (this.values.length > this.length) this.#resize(this.length)
  }

  #marks(): Uint8Array {
    if (this.marks === undefined) {
      this.marks = new Uint8Array(this.values.length)
      this.block.grow(this.marks.byteLength)
    }
    return this.marks
  }

  #resize(capacity: number): void {
    const values = new Float64Array(capacity)
    values.set(this.values.length > capacity ? this.values.subarray(0, capacity) : this.values)
    this.block.grow(values.byteLength - this.values.byteLength)
    this.values = values
    if (this.marks === undefined) return
    const marks = new Uint8Array(capacity)
    marks.set(this.marks.length > capacity ? this.marks.subarray(0, capacity) : this.marks)
    this.block.grow(marks.byteLength - this.marks.byteLength)
    this.marks = marks
  }
}

/**
 * A stretch of one producer's time: one time column, shared by the columns of all its series. Blocks are dropped whole. Arrays that
 * were handed out stay as they are: rows are only ever added behind them.
 */
export class Block {
  readonly window: number
  readonly ledger: Ledger
  readonly columns: Column[] = []
  timestamps = new Float64Array(FIRST_CAPACITY)
  rows = 0
  bytes = 0
  /** Columns that `seal` went through. */
  #sealed = 0

  constructor(window: number, ledger: Ledger) {
    this.window = window
    this.ledger = ledger
    this.grow(COLUMN_OVERHEAD + this.timestamps.byteLength)
  }

  get firstMs(): number {
    return this.rows === 0 ? Infinity : (this.timestamps[0] ?? Infinity)
  }

  get lastMs(): number {
    return this.rows === 0 ? -Infinity : (this.timestamps[this.rows - 1] ?? -Infinity)
  }

  grow(bytes: number): void {
    this.bytes += bytes
    this.ledger.bytes += bytes
  }

  /** Adds a row; its number is returned. */
  addRow(atMs: number): number {
    if (this.rows === this.timestamps.length) this.#resize(this.rows * 2)
    this.timestamps[this.rows] = atMs
    return this.rows++
  }

  /** Opens the column of a series at the newest row. */
  open(series: Series): Column {
    const column = new Column(series, this, this.rows - 1)
    this.columns.push(column)
    let at = series.columns.length
    while (at > 0 && (series.columns[at - 1]?.firstMs ?? 0) > column.firstMs) at--
    series.columns.splice(at, 0, column)
    return column
  }

  /** Nothing will be added any more: gives back what was allocated ahead, of so many columns at most. Tells how many are left. */
  seal(columns: number): number {
    if (this.timestamps.length > this.rows) this.#resize(this.rows)
    const end = Math.min(this.columns.length, this.#sealed + columns)
    while (this.#sealed < end) this.columns[this.#sealed++]?.trim()
    return this.columns.length - end
  }

  /** The times of a column's indexes. */
  timesFrom(first: number): Float64Array {
    return first === 0 ? this.timestamps : this.timestamps.subarray(first)
  }

  #resize(capacity: number): void {
    const timestamps = new Float64Array(capacity)
    timestamps.set(
      this.timestamps.length > capacity ? this.timestamps.subarray(0, capacity) : this.timestamps,
    )
    this.grow(timestamps.byteLength - this.timestamps.byteLength)
    this.timestamps = timestamps
  }
}
