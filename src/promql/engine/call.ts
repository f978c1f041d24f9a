import { Labels } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import { absentLabels, absentSteps } from '../functions/absent.ts'
import { DATES, ELEMENTWISE, WITH_SCALARS } from '../functions/elementwise.ts'
import { fractionOfBuckets, overHistograms, quantileOfBuckets } from '../functions/histogram.ts'
import type { RangeKernel } from '../functions/kernel.ts'
import { OVER_TIME } from '../functions/over-time.ts'
import { COUNTER_SUFFIXES, RATES } from '../functions/rate.ts'
import { REGRESSIONS } from '../functions/regression.ts'
import { labelJoin, labelReplace } from '../functions/relabel.ts'
import type { FunctionName } from '../functions/signatures.ts'
import { sortByValue } from '../functions/sort.ts'
import { type Call, type Expr, type Span, unwrap } from '../syntax/ast.ts'
import { type Evaluate, scalarOf, stringOf, vectorOf } from './evaluation.ts'
import { failed, type Query } from './query.ts'
import { warnOfQuantile } from './remarks.ts'
import { selectInstant } from './select.ts'
import { type Column, dropNames, emptyColumn, type Grid, timeAt, type Value, vector } from './value.ts'
import { rangeVector, Windows } from './windows.ts'

/** The arguments of one call over one grid, evaluated when asked for. */
class Arguments {
  readonly query: Query
  readonly call: Call
  readonly grid: Grid
  readonly evaluate: Evaluate

  constructor(query: Query, call: Call, grid: Grid, evaluate: Evaluate) {
    this.query = query
    this.call = call
    this.grid = grid
    this.evaluate = evaluate
  }

  get count(): number {
    return this.call.args.length
  }

  expr(index: number): Expr {
    const arg = this.call.args[index]
    if (arg === undefined) throw failed(`argument ${index + 1} of ${this.call.name}() is missing`)
    return arg
  }

  *vector(index: number): Work<readonly Column[]> {
    return vectorOf(yield* this.evaluate(this.query, this.expr(index), this.grid), this.expr(index))
  }

  *scalar(index: number): Work<Float64Array> {
    return scalarOf(yield* this.evaluate(this.query, this.expr(index), this.grid), this.expr(index))
  }

  /** All from an argument on. */
  *scalars(from: number): Work<readonly Float64Array[]> {
    const values: Float64Array[] = []
    for (let i = from; i < this.count; i++) values.push(yield* this.scalar(i))
    return values
  }

  /** All from an argument on. */
  *strings(from: number): Work<readonly string[]> {
    const values: string[] = []
    for (let i = from; i < this.count; i++)
      values.push(stringOf(yield* this.evaluate(this.query, this.expr(i), this.grid), this.expr(i)))
    return values
  }
}

type Implementation = (args: Arguments) => Work<Value> | Value

/** Every function of the signature table: a missing one does not compile. */
const IMPLEMENTATIONS: Readonly<Record<FunctionName, Implementation>> = {
  ...mapValues(ELEMENTWISE, compute => args => mapped(args, compute)),
  ...mapValues(WITH_SCALARS, compute => args => mappedWithScalars(args, compute)),
  ...mapValues(DATES, compute => args => ofDate(args, compute)),
  ...mapValues(OVER_TIME, kernel => args => overRange(args, kernel)),
  ...mapValues(RATES, kernel => args => overRange(args, kernel)),
  ...mapValues(REGRESSIONS, kernel => args => overRange(args, kernel)),
  *absent(args) {
    const columns = yield* args.vector(0)
    const present = columns.map(column => column.present)
    return vector(absentSteps(absentLabels(args.expr(0)), present, args.grid.steps))
  },
  absent_over_time: absentOverTime,
  histogram_fraction: histogramFraction,
  histogram_quantile: histogramQuantile,
  increase: args => overRange(args, RATES.increase, { onResult: remarkOnName(args) }),
  *label_join(args) {
    const columns = yield* args.vector(0)
    const [target = '', separator = '', ...sources] = yield* args.strings(1)
    return vector(yield* labelJoin(args.query, columns, target, separator, sources))
  },
  *label_replace(args) {
    const columns = yield* args.vector(0)
    const [target = '', template = '', source = '', pattern = ''] = yield* args.strings(1)
    return vector(yield* labelReplace(args.query, columns, target, template, source, pattern))
  },
  last_over_time: args => overRange(args, OVER_TIME.last_over_time, { keepName: true }),
  pi: ({ grid }) => ({ kind: 'scalar', values: new Float64Array(grid.steps).fill(Math.PI) }),
  *quantile_over_time(args) {
    const phi = yield* args.scalar(0)
    warnOfQuantiles(args, phi)
    return yield* overRange(args, OVER_TIME.quantile_over_time, { range: 1, scalars: [phi] })
  },
  rate: args => overRange(args, RATES.rate, { onResult: remarkOnName(args) }),
  *scalar(args) {
    return { kind: 'scalar', values: onlyValue(yield* args.vector(0), args.grid.steps) }
  },
  sort: args => sorted(args, false),
  sort_desc: args => sorted(args, true),
  time: ({ grid }) => ({ kind: 'scalar', values: seconds(grid) }),
  timestamp,
  *vector(args) {
    return vector([everywhere(yield* args.scalar(0))])
  },
}

/** Evaluates a call; every argument over the whole grid. */
export function* evaluateCall(query: Query, call: Call, grid: Grid, evaluate: Evaluate): Work<Value> {
  if (!Object.hasOwn(IMPLEMENTATIONS, call.name)) throw failed(`unknown function with name "${call.name}"`)
  const result = IMPLEMENTATIONS[call.name as FunctionName](new Arguments(query, call, grid, evaluate))
  return 'kind' in result ? result : yield* result
}

function mapValues<K extends string, A, B>(
  table: Readonly<Record<K, A>>,
  change: (value: A) => B,
): Readonly<Record<K, B>> {
  const entries = Object.entries<A>(table).map(([key, value]) => [key, change(value)] as const)
  return Object.fromEntries(entries) as Record<K, B>
}

const seconds = (grid: Grid): Float64Array =>
  Float64Array.from({ length: grid.steps }, (_, i) => timeAt(grid, i) / 1000)

const everywhere = (values: Float64Array): Column => ({
  labels: Labels.EMPTY,
  values,
  present: new Uint8Array(values.length).fill(1),
})

function* mapColumns(
  { query, grid }: Arguments,
  columns: readonly Column[],
  compute: (value: number) => number,
): Work<Value> {
  query.spend(columns.length * grid.steps)
  const results = yield* query.map(columns, grid.steps, ({ labels, values, present }) => ({
    labels,
    values: values.map(compute),
    present,
  }))
  return vector(yield* dropNames(query, results))
}

function* mapped(args: Arguments, compute: (value: number) => number): Work<Value> {
  // Array functions pass an index too; the functions take exactly one value.
  return yield* mapColumns(args, yield* args.vector(0), value => compute(value))
}

function* ofDate(args: Arguments, compute: (value: number) => number): Work<Value> {
  const columns = args.count === 0 ? [everywhere(seconds(args.grid))] : yield* args.vector(0)
  return yield* mapColumns(args, columns, value => compute(value))
}

function* mappedWithScalars(
  args: Arguments,
  compute: (value: number, ...scalars: number[]) => number | undefined,
): Work<Value> {
  const { query, grid } = args
  const columns = yield* args.vector(0)
  const scalars = yield* args.scalars(1)
  query.spend(columns.length * grid.steps)
  const results = yield* query.map(columns, grid.steps, column => {
    const out = emptyColumn(column.labels, grid.steps)
    for (let i = 0; i < grid.steps; i++) {
      if (column.present[i] === 0) continue
      const result = compute(column.values[i]!, ...scalars.map(values => values[i]!))
      if (result === undefined) continue
      out.values[i] = result
      out.present[i] = 1
    }
    return out
  })
  return vector(yield* dropNames(query, results))
}

interface RangeOptions {
  /** Which argument is the range vector; the other arguments are scalars. */
  readonly range?: number
  readonly scalars?: readonly Float64Array[]
  readonly keepName?: boolean
  /** Told the labels of each series that gave a result, before its name is dropped. */
  readonly onResult?: (labels: Labels) => void
}

function* overRange(args: Arguments, kernel: RangeKernel, options: RangeOptions = {}): Work<Value> {
  const { query, grid, evaluate } = args
  const { range = 0, keepName = false, onResult } = options
  const scalars = options.scalars ?? (yield* args.scalars(1))
  const input = yield* rangeVector(query, args.expr(range), grid, evaluate)
  query.spend(input.series.length * grid.steps)
  const windows = new Windows(input, grid.steps)
  const frame = { grid, scalars, visit: (samples: number): void => query.visit(samples) }
  const columns: Column[] = []
  for (const series of input.series) {
    if (query.isTurnOver(grid.steps + series.to - series.from)) yield
    windows.slide(series)
    const column = emptyColumn(series.labels, grid.steps)
    kernel(series, windows, column, frame)
    if (!column.present.includes(1)) continue
    onResult?.(series.labels)
    columns.push(column)
  }
  return vector(keepName ? columns : yield* dropNames(query, columns))
}

/** `rate` and `increase` of something that is not named like a counter earn a remark. */
function remarkOnName(args: Arguments): (labels: Labels) => void {
  const seen = new Set<string>([''])
  return labels => {
    const name = labels.metric
    if (seen.has(name)) return
    seen.add(name)
    if (COUNTER_SUFFIXES.some(suffix => name.endsWith(suffix))) return
    args.query.info(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`,
      args.expr(0).span,
    )
  }
}

function* absentOverTime(args: Arguments): Work<Value> {
  const { query, grid, evaluate } = args
  const input = yield* rangeVector(query, args.expr(0), grid, evaluate)
  const windows = new Windows(input, grid.steps)
  const masks = yield* query.map(input.series, grid.steps, series => {
    windows.slide(series)
    return Uint8Array.from({ length: grid.steps }, (_, i) => (windows.hi[i]! > windows.lo[i]! ? 1 : 0))
  })
  return vector(absentSteps(absentLabels(args.expr(0)), masks, grid.steps))
}

function* timestamp(args: Arguments): Work<Value> {
  const { query, grid } = args
  const arg = unwrap(args.expr(0))
  // Only a selector's samples have times of their own; anything else was computed at the evaluation time.
  if (arg.type === 'selector') {
    return vector(yield* dropNames(query, yield* selectInstant(query, arg, grid, 'time')))
  }
  const values = seconds(grid)
  const columns = yield* args.vector(0)
  return vector(
    yield* dropNames(
      query,
      columns.map(({ labels, present }) => ({ labels, values, present })),
    ),
  )
}

function* sorted(args: Arguments, descending: boolean): Work<Value> {
  if (args.query.isRange) {
    args.query.warn(
      'sort is ineffective for range queries since results are always ordered by labels',
      args.call.span,
    )
  }
  const columns = yield* args.vector(0)
  return vector(args.grid.steps === 1 ? sortByValue(columns, descending) : columns)
}

/** The value of the only series at each step, NaN where there is none or more than one. */
function onlyValue(columns: readonly Column[], steps: number): Float64Array {
  const result = new Float64Array(steps)
  for (let i = 0; i < steps; i++) {
    let count = 0
    let value = NaN
    for (const column of columns) {
      if (column.present[i] === 0) continue
      count++
      value = column.values[i]!
    }
    result[i] = count === 1 ? value : NaN
  }
  return result
}

function warnOfQuantiles({ query, call }: Arguments, phi: Float64Array): void {
  warnOfQuantile(query, phi, call.args[0]?.span ?? call.span)
}

/** `histogram_quantile`; the remark on raised counts is made where the buckets stand, once. */
function* histogramQuantile(args: Arguments): Work<Value> {
  const { query, grid } = args
  const phi = yield* args.scalar(0)
  warnOfQuantiles(args, phi)
  const columns = yield* args.vector(1)
  const span = args.expr(1).span
  const onForced = (): void => query.info(FORCED, span)
  return vector(
    yield* overHistograms(
      query,
      columns,
      grid.steps,
      (buckets, step) => quantileOfBuckets(phi[step]!, buckets, onForced),
      badBound(query, span),
    ),
  )
}

const FORCED =
  'input to histogram_quantile needed to be fixed for monotonicity ' +
  '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)'

function* histogramFraction(args: Arguments): Work<Value> {
  const { query, grid } = args
  const lower = yield* args.scalar(0)
  const upper = yield* args.scalar(1)
  const columns = yield* args.vector(2)
  return vector(
    yield* overHistograms(
      query,
      columns,
      grid.steps,
      (buckets, step) => fractionOfBuckets(lower[step]!, upper[step]!, buckets),
      badBound(query, args.expr(2).span),
    ),
  )
}

const badBound =
  (query: Query, span: Span) =>
  (labels: Labels): void =>
    query.warn(
      `bucket label "le" is missing or has a malformed value of ${JSON.stringify(labels.get('le'))} ` +
        `for metric name ${JSON.stringify(labels.metric)}`,
      span,
    )
