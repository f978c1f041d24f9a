/** What an alert is made of: its rule, its texts, its forms for other engines, its runbook and its test scenes. */
import type { Where } from './expr.ts'
import type { LabelName } from './metrics.ts'
import type { Scene } from './scene.ts'
import type { Expr, Metric, Severity, Unit } from './spec.ts'

/** The number that decides, and on which side of it things are bad. */
export interface Threshold {
  readonly value: number
  readonly unit: Unit
  readonly direction: 'over' | 'under'
}

/** A further number of the rule that config may change. */
export interface Parameter {
  readonly value: number
  readonly unit: Unit
  readonly help: string
}

/** A label by which a limit of its own can be set: limits of single queues, of single tasks. */
export type LimitScope = 'queue' | 'task'

export interface ExprContext<P extends string = string> {
  readonly limit: number
  /** Set when a limit holds for some queues or tasks only; `{}` otherwise. Goes to every selector that has these labels. */
  readonly where: Where<LimitScope>
  /** True for the limit of all that have none of their own: the one choice that may also speak of a broker as a whole. */
  readonly rest: boolean
  readonly parameters: Readonly<Record<P, number>>
}

export interface TextContext<P extends string = string> {
  /** The limit in words: `100`, `30s`, `90%`; a template that prints it when queues or tasks have their own. */
  readonly limit: string
  readonly for: string
  readonly parameters: Readonly<Record<P, string>>
}

/** The same watch as a CloudWatch alarm on a metric that Celeriac publishes. */
export interface CloudWatchAlarm {
  /** The name under which `publishes` goes to CloudWatch. */
  readonly metric: string
  readonly publishes: Expr
  /** Labels that become dimensions; CloudWatch counts every set of them as its own metric. */
  readonly dimensions: readonly LabelName[]
  readonly statistic: 'Average' | 'Maximum' | 'Minimum' | 'Sum'
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  /**
   * `breaching` for liveness: nobody else notices that nothing is published. `ignore` keeps the state: missing numbers neither
   * raise nor resolve. Never left to CloudWatch's default (guide-flaw 48).
   */
  readonly treatMissingData: 'breaching' | 'notBreaching' | 'ignore'
}

/** One thing to look at or do. */
export interface Step {
  readonly text: string
  /** Asked live. */
  readonly query?: Expr
  /** Typed in a shell; names in angle brackets are to be filled in. */
  readonly shell?: string
}

export interface Runbook {
  readonly title: string
  readonly meaning: readonly string[]
  readonly check: readonly Step[]
  readonly act: readonly Step[]
  readonly escalate: readonly string[]
  /** What tended to be seen in the minutes or hours before it fired. The panel a day and a week earlier is shown beside it. */
  readonly before: readonly Step[]
}

export interface Alert<Name extends string = string, P extends string = string> {
  readonly name: Name
  /** Name of its runbook and its pages. */
  readonly slug: string
  /** The number in the guide's list of metrics that it watches. */
  readonly guide?: number
  readonly severity: Severity
  readonly component: 'celery' | 'redis' | 'worker' | 'celeriac'
  readonly forMs: number
  readonly threshold: Threshold
  readonly parameters: Readonly<Record<P, Parameter>>
  /** What tells one firing from another. All are named in the texts. */
  readonly labels: readonly LabelName[]
  /** By which labels there may be limits of their own. Each is one that tells a firing. */
  readonly scopes: readonly LimitScope[]
  /** Written as methods so that an alert with parameters of its own is still an `Alert`. */
  expr(context: ExprContext<P>): Expr
  /** Go templates. */
  summary(context: TextContext<P>): string
  description(context: TextContext<P>): string
  /** Id of the panel that shows the number. */
  readonly panel: string
  /** null where a CloudWatch alarm cannot say it. */
  readonly cloudwatch: CloudWatchAlarm | null
  readonly runbook: Runbook
  readonly scenes: { readonly fires: readonly Scene[]; readonly quiet: readonly Scene[] }
}

/** Declares an alert; its name and the names of its parameters keep their literal types. */
export const alert = <const Name extends string, const P extends string = never>(
  entry: Alert<Name, P>,
): Alert<Name, P> => entry

/** The expression of an alert with the guide's numbers. */
export const defaultExpr = (entry: Alert): Expr =>
  entry.expr({
    limit: entry.threshold.value,
    where: {},
    rest: true,
    parameters: Object.fromEntries(
      Object.entries(entry.parameters).map(([name, parameter]) => [name, parameter.value]),
    ),
  })

/** What an alert reads, recorded series included. */
export const watchedMetrics = (entry: Alert): readonly Metric[] => defaultExpr(entry).metrics
