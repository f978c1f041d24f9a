import type { Labels } from '../base/index.ts'
import { type Block, type Column, GAP, type Series, STALE } from './block.ts'
import type { StoredSeries } from './contract.ts'

/** A part of a column: its indexes from `from` (inclusive) to `to` (exclusive). */
interface Piece {
  readonly column: Column
  readonly from: number
  readonly to: number
}

/**
 * Reads series in one time range (fromMs, toMs]. A range inside one block is a view of the columns; over several blocks it is joined
 * when it is first looked at, so that a reader who only counts, or stops at a limit, copies nothing. Times of equal stretches are shared.
 */
export class RangeReader {
  readonly #fromMs: number
  readonly #toMs: number
  readonly #rows = new Map<Block, { readonly from: number; readonly to: number }>()
  readonly #times = new Map<string, Float64Array>()
  readonly #ids = new Map<Block, number>()

  constructor(fromMs: number, toMs: number) {
    this.#fromMs = fromMs
    this.#toMs = toMs
  }

  /** undefined when it has no sample (and no stale marker) in the range. */
  read(series: Series): StoredSeries | undefined {
    const pieces = this.#pieces(series)
    const [only] = pieces
    if (only === undefined) return undefined
    if (pieces.some(hasGap) || overlap(pieces)) return merge(series.labels, pieces)
    if (pieces.length > 1) return new JoinedSeries(series.labels, pieces, () => this.#joinTimes(pieces))
    const { column, from, to } = only
    return {
      labels: series.labels,
      timestamps: column.block.timesFrom(column.first),
      values: column.values,
      stale: column.marks,
      from,
      to,
    }
  }

  has(series: Series): boolean {
    return this.#pieces(series).length > 0
  }

  #pieces(series: Series): readonly Piece[] {
    const pieces: Piece[] = []
    for (const column of series.columns) {
      const rows = this.#rowsOf(column.block)
      let from = Math.max(0, rows.from - column.first)
      const to = Math.min(column.length, rows.to - column.first)
      if (column.gaps > 0) while (from < to && column.marks?.[from] === GAP) from++
      if (from < to) pieces.push({ column, from, to })
    }
    return pieces
  }

  /** The same for all series of a block, so it is searched once. */
  #rowsOf(block: Block): { readonly from: number; readonly to: number } {
    let rows = this.#rows.get(block)
    if (rows === undefined) {
      rows = { from: firstAfter(block, this.#fromMs), to: firstAfter(block, this.#toMs) }
      this.#rows.set(block, rows)
    }
    return rows
  }

  #joinTimes(pieces: readonly Piece[]): Float64Array {
    let key = ''
    for (const { column, from, to } of pieces) {
      let id = this.#ids.get(column.block)
      if (id === undefined) this.#ids.set(column.block, (id = this.#ids.size))
      key += `${id}:${column.first + from}:${column.first + to} `
    }
    let times = this.#times.get(key)
    if (times === undefined) {
      times = new Float64Array(lengthOf(pieces))
      let at = 0
      for (const { column, from, to } of pieces) {
        times.set(column.block.timestamps.subarray(column.first + from, column.first + to), at)
        at += to - from
      }
      this.#times.set(key, times)
    }
    return times
  }
}

class JoinedSeries implements StoredSeries {
  readonly labels: Labels
  readonly from = 0
  readonly to: number
  readonly #pieces: readonly Piece[]
  readonly #joinTimes: () => Float64Array
  #timestamps: Float64Array | undefined
  #values: Float64Array | undefined
  #stale: Uint8Array | undefined

  constructor(labels: Labels, pieces: readonly Piece[], joinTimes: () => Float64Array) {
    this.labels = labels
    this.#pieces = pieces
    this.#joinTimes = joinTimes
    this.to = lengthOf(pieces)
  }

  get timestamps(): Float64Array {
    return (this.#timestamps ??= this.#joinTimes())
  }

  get values(): Float64Array {
    if (this.#values === undefined) {
      const values = new Float64Array(this.to)
      let at = 0
      for (const { column, from, to } of this.#pieces) {
        values.set(column.values.subarray(from, to), at)
        at += to - from
      }
      this.#values = values
    }
    return this.#values
  }

  get stale(): Uint8Array | undefined {
    if (this.#stale === undefined && this.#pieces.some(({ column }) => column.marks !== undefined)) {
      const stale = new Uint8Array(this.to)
      let at = 0
      for (const { column, from, to } of this.#pieces) {
        if (column.marks !== undefined) stale.set(column.marks.subarray(from, to), at)
        at += to - from
      }
      this.#stale = stale
    }
    return this.#stale
  }
}

/**
 * The careful way, for series with gaps or of several producers: samples in order of time. Where two stand at one time a value
 * beats a stale marker, and of two values the one of the column that began earlier stays.
 */
function merge(labels: Labels, pieces: readonly Piece[]): StoredSeries {
  const samples: { readonly at: number; readonly value: number; readonly mark: number }[] = []
  for (const { column, from, to } of pieces) {
    for (let i = from; i < to; i++) {
      const mark = column.marks?.[i] ?? 0
      if (mark === GAP) continue
      samples.push({
        at: column.block.timestamps[column.first + i] ?? 0,
        value: column.values[i] ?? 0,
        mark,
      })
    }
  }
  samples.sort((a, b) => a.at - b.at || a.mark - b.mark)
  const kept = samples.filter((sample, i) => i === 0 || samples[i - 1]?.at !== sample.at)
  return {
    labels,
    timestamps: Float64Array.from(kept, sample => sample.at),
    values: Float64Array.from(kept, sample => sample.value),
    stale: kept.some(sample => sample.mark === STALE)
      ? Uint8Array.from(kept, sample => sample.mark)
      : undefined,
    from: 0,
    to: kept.length,
  }
}

const lengthOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((length, { from, to }) => length + to - from, 0)

const hasGap = ({ column, from, to }: Piece): boolean =>
  column.gaps > 0 && (column.marks?.subarray(from, to).includes(GAP) ?? false)

function overlap(pieces: readonly Piece[]): boolean {
  let last = -Infinity
  for (const { column, from, to } of pieces) {
    const times = column.block.timestamps
    if ((times[column.first + from] ?? 0) <= last) return true
    last = times[column.first + to - 1] ?? last
  }
  return false
}

/** The first row later than a time. */
function firstAfter(block: Block, atMs: number): number {
  let from = 0
  let to = block.rows
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((block.timestamps[middle] ?? Infinity) <= atMs) from = middle + 1
    else to = middle
  }
  return from
}
