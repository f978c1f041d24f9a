export { type MetricId, type MetricName, metrics, type Metrics } from './metrics.ts'
export { type Metric, metric, type MetricKind, type Severity, type Source, type Unit } from './spec.ts'
