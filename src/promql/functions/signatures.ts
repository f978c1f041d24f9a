import type { ValueType } from '../syntax/ast.ts'

/** What a function takes and gives. */
export interface Signature {
  readonly args: readonly ValueType[]
  /** How many of the last arguments may be left out. */
  readonly optional: number
  /** The last argument may be given any number of times, also never. */
  readonly repeats: boolean
  readonly returns: ValueType
  /** The result depends on the evaluation time itself, so even fixed arguments (`@`) do not make it constant over a range. */
  readonly usesTime: boolean
}

const row = (returns: ValueType, ...args: ValueType[]): Signature => ({
  args,
  optional: 0,
  repeats: false,
  returns,
  usesTime: false,
})
const overVector = row('vector', 'vector')
const overRange = row('vector', 'matrix')
const ofDate: Signature = { ...overVector, optional: 1, usesTime: true }

/** Every function that is accepted: what Prometheus 3 documents, without native histograms. */
export const SIGNATURES = {
  abs: overVector,
  absent: overVector,
  absent_over_time: overRange,
  acos: overVector,
  acosh: overVector,
  asin: overVector,
  asinh: overVector,
  atan: overVector,
  atanh: overVector,
  avg_over_time: overRange,
  ceil: overVector,
  changes: overRange,
  clamp: row('vector', 'vector', 'scalar', 'scalar'),
  clamp_max: row('vector', 'vector', 'scalar'),
  clamp_min: row('vector', 'vector', 'scalar'),
  cos: overVector,
  cosh: overVector,
  count_over_time: overRange,
  day_of_month: ofDate,
  day_of_week: ofDate,
  day_of_year: ofDate,
  days_in_month: ofDate,
  deg: overVector,
  delta: overRange,
  deriv: overRange,
  double_exponential_smoothing: row('vector', 'matrix', 'scalar', 'scalar'),
  exp: overVector,
  floor: overVector,
  histogram_fraction: row('vector', 'scalar', 'scalar', 'vector'),
  histogram_quantile: row('vector', 'scalar', 'vector'),
  hour: ofDate,
  idelta: overRange,
  increase: overRange,
  irate: overRange,
  label_join: { ...row('vector', 'vector', 'string', 'string', 'string'), repeats: true },
  label_replace: row('vector', 'vector', 'string', 'string', 'string', 'string'),
  last_over_time: overRange,
  ln: overVector,
  log10: overVector,
  log2: overVector,
  max_over_time: overRange,
  min_over_time: overRange,
  minute: ofDate,
  month: ofDate,
  pi: row('scalar'),
  predict_linear: { ...row('vector', 'matrix', 'scalar'), usesTime: true },
  present_over_time: overRange,
  quantile_over_time: row('vector', 'scalar', 'matrix'),
  rad: overVector,
  rate: overRange,
  resets: overRange,
  round: { ...row('vector', 'vector', 'scalar'), optional: 1 },
  scalar: row('scalar', 'vector'),
  sgn: overVector,
  sin: overVector,
  sinh: overVector,
  sort: overVector,
  sort_desc: overVector,
  sqrt: overVector,
  stddev_over_time: overRange,
  stdvar_over_time: overRange,
  sum_over_time: overRange,
  tan: overVector,
  tanh: overVector,
  time: { ...row('scalar'), usesTime: true },
  timestamp: { ...overVector, usesTime: true },
  vector: row('vector', 'scalar'),
  year: ofDate,
} as const satisfies Readonly<Record<string, Signature>>

export type FunctionName = keyof typeof SIGNATURES

/** The signature of a function, or undefined when there is no such function. */
export const signatureOf = (name: string): Signature | undefined =>
  Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name as FunctionName] : undefined

/** Functions and aggregations that Prometheus knows only behind a feature flag. */
export const EXPERIMENTAL: ReadonlySet<string> = new Set([
  'end',
  'first_over_time',
  'histogram_quantiles',
  'info',
  'limit_ratio',
  'limitk',
  'mad_over_time',
  'max_of',
  'min_of',
  'range',
  'sort_by_label',
  'sort_by_label_desc',
  'start',
  'step',
  'ts_of_first_over_time',
  'ts_of_last_over_time',
  'ts_of_max_over_time',
  'ts_of_min_over_time',
])

/** Functions that read native histograms only. */
export const NATIVE_ONLY: ReadonlySet<string> = new Set([
  'histogram_avg',
  'histogram_count',
  'histogram_stddev',
  'histogram_stdvar',
  'histogram_sum',
])

/** Names of Prometheus 2 and what they are called now. */
export const RENAMED: Readonly<Record<string, FunctionName>> = {
  holt_winters: 'double_exponential_smoothing',
}
