/**
 * The vocabulary of the catalog: what a metric, a rule, an alert, a panel and a runbook are made of. Entries are plain data with
 * literal types, so that recording, alerting on or plotting an undeclared metric or label does not compile.
 */

/** Where a number comes from. A lost source makes its metrics unknown, never 0. */
export type Source = 'events' | 'inspect' | 'broker' | 'host' | 'rule' | 'self'

export type MetricKind = 'counter' | 'gauge' | 'histogram'

export type Unit = 'seconds' | 'bytes' | 'ratio' | 'percent' | 'per_second' | 'count'

export interface Metric<Name extends string = string, Label extends string = string> {
  readonly name: Name
  readonly kind: MetricKind
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

/** Declares a metric; name and labels keep their literal types. */
export const metric = <const Name extends string, const Label extends string>(
  entry: Metric<Name, Label>,
): Metric<Name, Label> => entry

export type Severity = 'critical' | 'warning' | 'info'
