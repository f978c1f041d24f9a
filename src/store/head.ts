import { CeleriacError, compareText, HOUR, type Labels, type Sample } from '../base/index.ts'
import { Block, type Column, type Ledger, type Series, STALE, VALUE } from './block.ts'
import type { Matcher, OpenCycle, Store, StoredSeries } from './contract.ts'
import { LabelIndex } from './label-index.ts'
import { RangeReader } from './read.ts'

export interface HeadOptions {
  /** How long samples are kept at least, counted back from the newest; whole blocks are dropped. Default 24 h. */
  readonly retentionMs?: number
  /** Budget for samples and labels; the oldest blocks go first. Default 256 MiB. */
  readonly maxBytes?: number
  /** New series beyond this are refused and counted. Default 100,000. */
  readonly maxSeries?: number
  /** Length of a block, on a grid of its own multiples. Default 2 h. */
  readonly blockMs?: number
}

/** What one producer did so far. */
export interface ProducerStats {
  readonly producer: string
  readonly lastMs: number
  /** Series of its last cycle. */
  readonly series: number
  /** Samples refused because their cycle was not later than the one before or older than the retention, or their series came twice in a cycle. */
  readonly samplesRefused: number
}

/** The in-memory head. */
export interface Head extends Store {
  /** Producers that have not ended. */
  producers(): readonly ProducerStats[]
}

/** A series as one producer knows it. */
interface Member {
  readonly series: Series
  /** The label set object the producer gave last: found again by identity, without building a key. */
  given: Labels
  column: Column | undefined
  /** The producer's cycle that wrote it last. */
  cycle: number
}

interface Producer {
  readonly name: string
  lastMs: number
  cycle: number
  block: Block | undefined
  readonly byLabels: Map<Labels, Member>
  readonly bySeries: Map<Series, Member>
  /** Members of the last cycle, in the order given. */
  live: Member[]
  /** Keys refused in the last cycle for want of room: a series is counted once for as long as it stays refused. */
  refused: ReadonlySet<string>
  samplesRefused: number
  /** The cycle being written. */
  open: OpenCycle | undefined
}

/** A block is cut early once it holds this part of the budget, so that there is always an older one to drop. */
const BLOCK_SHARE = 1 / 8
/** Below this many rows only a block of half the budget is cut: short columns are mostly overhead. */
const ROWS_WORTH_A_BLOCK = 64
const MIB = 1024 ** 2
/** Series read between two pauses: about a millisecond. */
const SERIES_PER_PIECE = 1024
/** Columns trimmed or dropped with each piece that is written, which is smaller: a few milliseconds, and it catches up. */
const COLUMNS_PER_PIECE = 4096

/**
 * Time series in memory. Each producer writes blocks of its own: one time column, and one value column a series. Samples are never
 * changed once written, so what `select` returned stays valid whatever is appended or dropped later.
 *
 * Memory is bounded by `maxBytes` plus one cycle, as long as the label sets of live series alone fit into it.
 */
export function createHead(options: HeadOptions = {}): Head {
  return new MemoryHead(options)
}

class MemoryHead implements Head {
  readonly #retentionMs: number
  readonly #maxBytes: number
  readonly #maxSeries: number
  readonly #blockMs: number
  readonly #index = new LabelIndex()
  readonly #producers = new Map<string, Producer>()
  readonly #ledger: Ledger = { bytes: 0, samples: 0 }
  #blocks: Block[] = []
  /** Blocks that are full, to be trimmed. */
  readonly #sealing: Block[] = []
  /** Taken out of `#blocks`; what is left of its columns is to be dropped. */
  #dropping: Block | undefined
  /** Trimming and dropping go on with the next piece. */
  #isUntidy = false
  #newestMs = -Infinity
  #samplesRefused = 0
  #seriesDropped = 0

  constructor(options: HeadOptions) {
    this.#retentionMs = options.retentionMs ?? 24 * HOUR
    this.#maxBytes = options.maxBytes ?? 256 * MIB
    this.#maxSeries = options.maxSeries ?? 100_000
    this.#blockMs = options.blockMs ?? 2 * HOUR
  }

  appendCycle(name: string, atMs: number, samples: Iterable<Sample>): void {
    // Taken in full first: a producer that throws half-way must not leave half a cycle behind.
    const all = Array.isArray(samples) ? (samples as readonly Sample[]) : [...samples]
    const cycle = this.beginCycle(name, atMs)
    cycle.add(all)
    cycle.end()
  }

  beginCycle(name: string, atMs: number): OpenCycle {
    if (!Number.isFinite(atMs))
      throw new CeleriacError(
        'INTERNAL',
        `The time of a cycle of ${name} is ${atMs}, not epoch milliseconds.`,
      )
    const producer = this.#producer(name)
    producer.open?.end()
    if (atMs <= producer.lastMs || atMs <= this.#newestMs - this.#retentionMs)
      return {
        add: samples => {
          for (const _ of samples) this.#refuse(producer, 1)
        },
        end: () => {},
      }
    return (producer.open = this.#begin(producer, atMs))
  }

  endProducer(name: string, atMs: number): void {
    const producer = this.#producers.get(name)
    if (producer === undefined) return
    producer.open?.end()
    // Its end comes after its last cycle, whatever the clock says: a marker before it would leave the last values standing.
    if (producer.live.length > 0) this.#begin(producer, Math.max(atMs, producer.lastMs + 1)).end()
    if (producer.block !== undefined) this.#seal(producer.block)
    this.#producers.delete(name)
    if (this.#isUntidy) this.#tidy(undefined)
  }

  #begin(producer: Producer, atMs: number): OpenCycle {
    this.#newestMs = Math.max(this.#newestMs, atMs)
    const block = this.#blockFor(producer, atMs)
    const row = block.addRow(atMs)
    const before = producer.live
    const live: Member[] = []
    const refused = new Set<string>()
    producer.cycle++
    producer.lastMs = atMs
    let ended = false
    const add = (samples: Iterable<Sample>): void => {
      if (ended) return
      for (const { labels, value } of samples) {
        // Producers mostly give the same series in the same order.
        const expected = before[live.length]
        const isExpected = expected?.given === labels && !expected.series.freed
        const member = isExpected ? expected : this.#member(producer, labels, refused)
        if (member === undefined) continue
        if (member.cycle === producer.cycle) {
          this.#refuse(producer, 1)
          continue
        }
        this.#put(member, block, row, value, VALUE)
        member.cycle = producer.cycle
        live.push(member)
      }
      if (this.#isUntidy) this.#tidy(producer)
    }
    const end = (): void => {
      if (ended) return
      ended = true
      for (const member of before) {
        if (member.cycle !== producer.cycle && !member.series.freed) this.#put(member, block, row, 0, STALE)
      }
      producer.live = live
      producer.refused = refused
      producer.open = undefined
      if (this.#isUntidy || this.#ledger.bytes > this.#maxBytes) this.#tidy(producer)
    }
    return { add, end }
  }

  #put(member: Member, block: Block, row: number, value: number, mark: typeof VALUE | typeof STALE): void {
    if (member.column?.block !== block) member.column = block.open(member.series)
    member.column.put(row, value, mark)
  }

  #producer(name: string): Producer {
    let producer = this.#producers.get(name)
    if (producer === undefined) {
      producer = {
        name,
        lastMs: -Infinity,
        cycle: 0,
        block: undefined,
        byLabels: new Map(),
        bySeries: new Map(),
        live: [],
        refused: new Set(),
        samplesRefused: 0,
        open: undefined,
      }
      this.#producers.set(name, producer)
    }
    return producer
  }

  #member(producer: Producer, labels: Labels, refused: Set<string>): Member | undefined {
    const known = producer.byLabels.get(labels)
    if (known !== undefined) return known
    let series = this.#index.find(labels)
    if (series === undefined) {
      if (this.#index.size >= this.#maxSeries) {
        if (!producer.refused.has(labels.key) && !refused.has(labels.key)) this.#seriesDropped++
        refused.add(labels.key)
        return undefined
      }
      series = this.#index.add(labels)
      this.#ledger.bytes += series.bytes
    }
    let member = producer.bySeries.get(series)
    if (member === undefined) {
      member = { series, given: labels, column: undefined, cycle: -1 }
      producer.bySeries.set(series, member)
    } else {
      producer.byLabels.delete(member.given)
      member.given = labels
    }
    producer.byLabels.set(labels, member)
    return member
  }

  #refuse(producer: Producer, samples: number): void {
    producer.samplesRefused += samples
    this.#samplesRefused += samples
  }

  #blockFor(producer: Producer, atMs: number): Block {
    const window = Math.floor(atMs / this.#blockMs)
    const current = producer.block
    if (current !== undefined) {
      const share = current.rows < ROWS_WORTH_A_BLOCK ? 1 / 2 : BLOCK_SHARE
      if (current.window === window && current.bytes <= this.#maxBytes * share) return current
      this.#seal(current)
    }
    const block = new Block(window, this.#ledger)
    producer.block = block
    this.#blocks.push(block)
    this.#tidy(producer)
    return block
  }

  #seal(block: Block): void {
    this.#sealing.push(block)
    this.#isUntidy = true
  }

  /** Trims what is full, then drops what must go, as much as may be done at once; the rest with the next piece. */
  #tidy(writer: Producer | undefined): void {
    this.#isUntidy = true
    let left = COLUMNS_PER_PIECE
    for (let block = this.#sealing[0]; block !== undefined; block = this.#sealing[0]) {
      const before = block.columns.length
      if (block.seal(left) > 0) return
      left -= Math.min(left, before)
      this.#sealing.shift()
    }
    for (;;) {
      const block = (this.#dropping ??= this.#takeOldest(writer))
      if (block === undefined) break
      left -= this.#dropColumns(block, left)
      if (block.columns.length > 0) return
      this.#ledger.bytes -= block.bytes
      this.#dropping = undefined
    }
    this.#isUntidy = false
  }

  /** Takes the oldest block out when it is past the retention or the budget does not hold; never one that is being written. */
  #takeOldest(writer: Producer | undefined): Block | undefined {
    const written = new Set([writer?.block])
    for (const { open, block } of this.#producers.values()) if (open !== undefined) written.add(block)
    let oldest: Block | undefined
    for (const block of this.#blocks)
      if (!written.has(block) && (oldest === undefined || block.lastMs < oldest.lastMs)) oldest = block
    if (oldest === undefined) return undefined
    const isPast = oldest.lastMs <= this.#newestMs - this.#retentionMs
    if (!isPast && this.#ledger.bytes <= this.#maxBytes) return undefined
    this.#blocks = this.#blocks.filter(block => block !== oldest)
    for (const producer of this.#producers.values()) if (producer.block === oldest) producer.block = undefined
    return oldest
  }

  /** Drops so many columns at most, and the series that are left without any; tells how many. */
  #dropColumns(block: Block, most: number): number {
    const gone: Series[] = []
    let dropped = 0
    for (; dropped < most; dropped++) {
      const column = block.columns.pop()
      if (column === undefined) break
      block.grow(-column.bytes)
      this.#ledger.samples -= column.length - column.gaps
      const { columns } = column.series
      columns.splice(columns.indexOf(column), 1)
      if (columns.length > 0) continue
      column.series.freed = true
      this.#ledger.bytes -= column.series.bytes
      gone.push(column.series)
    }
    this.#index.remove(gone)
    for (const producer of this.#producers.values()) {
      for (const series of gone) {
        const member = producer.bySeries.get(series)
        if (member === undefined) continue
        producer.bySeries.delete(series)
        producer.byLabels.delete(member.given)
      }
    }
    return dropped
  }

  select(matchers: readonly Matcher[], fromMs: number, toMs: number): readonly StoredSeries[] {
    const work = this.selecting(matchers, fromMs, toMs)
    for (;;) {
      const step = work.next()
      if (step.done === true) return step.value
    }
  }

  *selecting(
    matchers: readonly Matcher[],
    fromMs: number,
    toMs: number,
  ): Generator<void, readonly StoredSeries[], void> {
    const reader = new RangeReader(fromMs, toMs)
    const found: StoredSeries[] = []
    let read = 0
    for (const series of yield* this.#index.selecting(matchers)) {
      const inRange = reader.read(series)
      if (inRange !== undefined) found.push(inRange)
      if (++read % SERIES_PER_PIECE === 0) yield
    }
    return found
  }

  labelNames(matchers: readonly Matcher[], fromMs: number, toMs: number): readonly string[] {
    const names = new Set<string>()
    for (const series of this.#present(matchers, fromMs, toMs)) {
      for (const [name] of series.labels) names.add(name)
    }
    return [...names].sort(compareText)
  }

  labelValues(name: string, matchers: readonly Matcher[], fromMs: number, toMs: number): readonly string[] {
    const values = new Set<string>()
    for (const series of this.#present(matchers, fromMs, toMs)) values.add(series.labels.get(name))
    values.delete('')
    return [...values].sort(compareText)
  }

  #present(matchers: readonly Matcher[], fromMs: number, toMs: number): readonly Series[] {
    const reader = new RangeReader(fromMs, toMs)
    return this.#index.select(matchers).filter(series => reader.has(series))
  }

  producers(): readonly ProducerStats[] {
    return [...this.#producers.values()].map(({ name, lastMs, live, samplesRefused }) => ({
      producer: name,
      lastMs,
      series: live.length,
      samplesRefused,
    }))
  }

  get stats(): Store['stats'] {
    let oldestMs = Infinity
    let newestMs = -Infinity
    for (const block of this.#blocks) {
      oldestMs = Math.min(oldestMs, block.firstMs)
      newestMs = Math.max(newestMs, block.lastMs)
    }
    return {
      series: this.#index.size,
      samples: this.#ledger.samples,
      bytes: this.#ledger.bytes,
      oldestMs: oldestMs === Infinity ? null : oldestMs,
      newestMs: newestMs === -Infinity ? null : newestMs,
      samplesRefused: this.#samplesRefused,
      seriesDropped: this.#seriesDropped,
    }
  }
}
