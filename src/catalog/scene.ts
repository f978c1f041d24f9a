/** Test scenes: series over time and the alerts they must raise. promtool and our own engine play the same ones. */
import { MINUTE, SECOND } from '../base/index.ts'
import type { Metric } from './spec.ts'

/** In promtool's notation: `0+5x40` is 0, 5, … 200; `3x40` is 41 times 3; `_x4` four gaps; `stale` ends the series. */
export interface SceneSeries {
  readonly series: string
  readonly values: string
}

export interface ExpectedAlert {
  /** What identifies it; `alertname`, `severity` and `component` are added by whoever plays the scene. */
  readonly labels: Readonly<Record<string, string>>
  readonly summary: string
  readonly description: string
}

/**
 * Samples stand on a 15 s grid, rules run on it. Windows that differ by one sample between Prometheus 2 (closed on the left) and
 * 3 (open) must not decide: scenes use straight lines, which give the same rate and slope either way.
 */
export interface Scene {
  readonly title: string
  readonly series: readonly SceneSeries[]
  readonly atMs: number
  /** Empty: it must stay quiet. */
  readonly alerts: readonly ExpectedAlert[]
}

export const SCENE_STEP_MS = 15 * SECOND

type LabelValues<Label extends string> = { readonly [L in Label]: string }

const named = (name: string, labels: Readonly<Record<string, string>>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(', ')}}`

/** A series of a gauge or counter; all of its labels are to be given. */
export const line = <Label extends string>(
  of: Metric<string, Label, 'gauge' | 'counter'>,
  labels: LabelValues<NoInfer<Label>>,
  values: string,
): SceneSeries => ({ series: named(of.name, labels), values })

/** All series of a histogram that, on every one of `steps` steps, gains `perStep` observations of `seconds` of each kind. */
export function observations<Label extends string>(
  of: Metric<string, Label, 'histogram'>,
  labels: LabelValues<NoInfer<Label>>,
  steps: number,
  ...kinds: readonly { readonly seconds: number; readonly perStep: number }[]
): readonly SceneSeries[] {
  const growing = (each: number): string => `0+${each}x${steps}`
  const upTo = (bound: number): number =>
    kinds.reduce((sum, { seconds, perStep }) => (seconds <= bound ? sum + perStep : sum), 0)
  return [
    ...[...(of.buckets ?? []), Infinity].map(bound => ({
      series: named(`${of.name}_bucket`, { ...labels, le: bound === Infinity ? '+Inf' : String(bound) }),
      values: growing(upTo(bound)),
    })),
    { series: named(`${of.name}_count`, labels), values: growing(upTo(Infinity)) },
    {
      series: named(`${of.name}_sum`, labels),
      values: growing(kinds.reduce((sum, { seconds, perStep }) => sum + seconds * perStep, 0)),
    },
  ]
}

/** A scene that raises alerts. */
export const fires = (
  title: string,
  atMinutes: number,
  series: readonly SceneSeries[],
  ...alerts: readonly ExpectedAlert[]
): Scene => ({ title, series, atMs: atMinutes * MINUTE, alerts })

/** A scene that raises none. */
export const quiet = (title: string, atMinutes: number, series: readonly SceneSeries[]): Scene => ({
  title,
  series,
  atMs: atMinutes * MINUTE,
  alerts: [],
})
