/**
 * The vocabulary of the catalog: what a metric, a rule, an alert, a panel and a runbook are made of. Entries are plain data with
 * literal types, so that recording, alerting on or plotting an undeclared metric or label does not compile.
 */

/** Where a number comes from. A lost source makes its metrics unknown, never 0. */
export type Source = 'events' | 'inspect' | 'broker' | 'host' | 'rule' | 'self'

export type MetricKind = 'counter' | 'gauge' | 'histogram'

export type Unit = 'seconds' | 'bytes' | 'ratio' | 'percent' | 'per_second' | 'count'

export interface Metric<
  Name extends string = string,
  Label extends string = string,
  Kind extends MetricKind = MetricKind,
> {
  readonly name: Name
  readonly kind: Kind
  /** Besides these every metric of a fleet carries `broker`, named here too; self metrics may lack it. */
  readonly labels: readonly Label[]
  readonly unit: Unit
  readonly help: string
  readonly sources: readonly Source[]
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  readonly buckets?: readonly number[]
  /** The number in the guide's list that this metric answers. */
  readonly guide?: number
}

/** Declares a metric; name, labels and kind keep their literal types. */
export const metric = <const Name extends string, const Label extends string, const Kind extends MetricKind>(
  entry: Metric<Name, Label, Kind>,
): Metric<Name, Label, Kind> => entry

export type Severity = 'critical' | 'warning' | 'info'

/** PromQL together with what it reads. `labels` are those by which its result may be grouped further; none after free arithmetic. */
export interface Expr<Label extends string = string> {
  readonly text: string
  /** Declared and recorded metrics, each once, in order of use. */
  readonly metrics: readonly Metric[]
  readonly labels: readonly Label[]
}

/** A series written by a recording rule. It is a metric like any other, with `rule` as its source. */
export interface RecordedMetric<Name extends string = string, Label extends string = string> extends Metric<
  Name,
  Label,
  'gauge'
> {
  readonly expr: Expr
}

/** Declares a recorded series. */
export const record = <const Name extends string, const Label extends string>(
  entry: Omit<RecordedMetric<Name, Label>, 'kind' | 'sources'>,
): RecordedMetric<Name, Label> => ({ ...entry, kind: 'gauge', sources: ['rule'] })

/** True for a series that a recording rule writes. */
export const isRecorded = (entry: Metric): entry is RecordedMetric => 'expr' in entry

/** The metrics beneath: recorded series are replaced by what their rules read, down to what is collected. Each once. */
export function collectedMetrics(metrics: readonly Metric[]): readonly Metric[] {
  const found = new Map<string, Metric>()
  for (const entry of metrics) {
    for (const base of isRecorded(entry) ? collectedMetrics(entry.expr.metrics) : [entry])
      found.set(base.name, base)
  }
  return [...found.values()]
}
