export {
  type Alert,
  type CloudWatchAlarm,
  defaultExpr,
  type LimitScope,
  type Parameter,
  type Runbook,
  type Step,
  type Threshold,
  watchedMetrics,
} from './alert.ts'
export { type AlertName, alerts } from './alerts/index.ts'
export { alertSeries, stepsBefore } from './before.ts'
export { checkAlertOverrides, checkBuckets } from './check-overrides.ts'
export { type ConfiguredAlert, configureAlerts, type LimitNumbers, numbersFor } from './configure.ts'
export type { AlertOverride, AlertOverrides, OwnLimit } from './overrides.ts'
export { type Dashboard, type DashboardRow, dashboards, fullLegend, narrowed } from './dashboards.ts'
export { inhibitedBy, type Inhibition, inhibitions } from './inhibitions.ts'
export { type LabelName, type MetricId, type MetricName, metrics, type Metrics } from './metrics.ts'
export {
  type Panel,
  type PanelId,
  type PanelKey,
  type PanelQuery,
  panels,
  type PanelStep,
} from './panels/index.ts'
export {
  CLOUDWATCH_INTERVAL_SECONDS,
  CLOUDWATCH_NAMESPACE,
  type CloudWatchUnit,
  dimensionName,
  publishedCount,
  type PublishedDistribution,
  type PublishedGauge,
  type PublishedIncrease,
  type PublishedMetric,
  publishedMetrics,
} from './published.ts'
export { recorded, type RecordedName } from './recording-rules.ts'
export {
  ALERT_GROUP,
  alertExpr,
  type CatalogAlertingRule,
  type CatalogRecordingRule,
  type CatalogRuleGroup,
  DEFAULT_EXTERNAL_URL,
  META_GROUP,
  RECORDING_GROUP,
  RULE_INTERVAL_MS,
  ruleGroups,
  type RuleOptions,
  runbookUrl,
} from './rule-groups.ts'
export { type ExpectedAlert, type Scene, SCENE_STEP_MS, type SceneSeries } from './scene.ts'
export {
  collectedMetrics,
  type Expr,
  isRecorded,
  type Metric,
  metric,
  type MetricKind,
  type RecordedMetric,
  type Severity,
  type Source,
  type Unit,
} from './spec.ts'
export { inWords } from './wording.ts'
