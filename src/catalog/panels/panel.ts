/** What a panel is made of, and the forms of expressions that several panels share. */
import type { AlertName } from '../alerts/index.ts'
import { latest, on, onManyToOne, promql, rate, series, sumBy, when } from '../expr.ts'
import { type LabelName, metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import type { Expr, Metric, Unit } from '../spec.ts'

export interface PanelQuery {
  readonly expr: Expr
  /** `{{queue}}` is replaced by the label. */
  readonly legend: string
}

/** From this value up the number is well, near its limit, or past it; the first step begins below all numbers. */
export interface PanelStep {
  readonly from: number
  readonly is: 'good' | 'near' | 'bad'
}

export interface Panel<Id extends string = string> {
  readonly id: Id
  readonly title: string
  /** What the number is, in a few words. */
  readonly subtitle: string
  /** A tile is one number now, a chart lines over time, a gauge one number between 0 and its maximum, a table rows now. */
  readonly kind: 'tile' | 'chart' | 'gauge' | 'table'
  readonly unit: Unit
  readonly queries: readonly PanelQuery[]
  /** How one number is made of many series, and which label names the series that it came from. Tiles only. */
  readonly reduce?: { readonly by: 'max' | 'min' | 'sum'; readonly subject: LabelName | null }
  /** The alert whose threshold is drawn. */
  readonly limit?: AlertName
  /** Colours of a number that no alert watches, or watches from its other side. Never together with `limit`. */
  readonly steps?: readonly PanelStep[]
  /** Words for single values, such as 1 and 0 of what is up or not. */
  readonly words?: Readonly<Record<number, string>>
  /** The number of the guide's dashboard panel. */
  readonly guide?: number
}

/** Declares a panel; its id keeps its literal type. */
export const panel = <const Id extends string>(entry: Panel<Id>): Panel<Id> => entry

export const TASK = ['broker', 'task', 'queue'] as const
export const QUEUE = ['broker', 'queue'] as const
export const WORKER = ['broker', 'worker'] as const

/** Words of what is up or not. */
export const UP = { 1: 'up', 0: 'down' } as const

/** Without a value at times when the events of its broker were not heard: what is unknown must not look like 0. */
export const whileHeard = (of: Expr): Expr => when(of, on('broker'), series(recorded.eventsHeard))

/** A rate per second whose events were heard: after an outage it does not climb from 0 to what is true over five minutes. */
export const perSecondHeard = (of: Expr): Expr =>
  promql`${of} / ${onManyToOne('broker')} (${series(recorded.eventsHeard)} > 0)`

/** Tasks that workers received, per second. */
export const received = (by: readonly ('broker' | 'queue')[]): Expr => sumBy(by, rate(metrics.taskReceived))

/** A chart of a gauge of the fleet, one line a series. */
export const gaugeChart = <const Id extends string>(
  id: Id,
  title: string,
  subtitle: string,
  of: Metric<string, string, 'gauge'>,
  legend: string,
  more: Partial<Omit<Panel, 'id' | 'title' | 'subtitle' | 'queries'>> = {},
): Panel<Id> => ({
  id,
  title,
  subtitle,
  kind: 'chart',
  unit: of.unit,
  queries: [{ expr: latest(of), legend }],
  ...more,
})
