import { absenceUnseen } from './absence-unseen.ts'
import { alarmMissingData } from './alarm-missing-data.ts'
import { alarmWithoutRecovery } from './alarm-without-recovery.ts'
import { alertmanagerContinue } from './alertmanager-continue.ts'
import { alertmanagerGroupBy } from './alertmanager-group-by.ts'
import { alertmanagerInlineSecret } from './alertmanager-inline-secret.ts'
import { alertmanagerMatch } from './alertmanager-match.ts'
import { alertmanagerSecretName } from './alertmanager-secret-name.ts'
import { alertmanagerTextRunsTogether } from './alertmanager-text-runs-together.ts'
import { containerAverage } from './container-average.ts'
import { dimensionsNotPublished } from './dimensions-not-published.ts'
import { divisorMayBeZero } from './divisor-may-be-zero.ts'
import { filebeatContainerInput } from './filebeat-container-input.ts'
import { filebeatJsonUndecoded } from './filebeat-json-undecoded.ts'
import { filebeatPlainPassword } from './filebeat-plain-password.ts'
import { gaugeSummed } from './gauge-summed.ts'
import { grafanaDashboardFields } from './grafana-dashboard-fields.ts'
import { grafanaDatasource } from './grafana-datasource.ts'
import { grafanaGridPosition } from './grafana-grid-position.ts'
import { grafanaPanelAlert } from './grafana-panel-alert.ts'
import { grafanaRefId } from './grafana-ref-id.ts'
import { grafanaRemovedPanel } from './grafana-removed-panel.ts'
import { grafanaSidecarLabel } from './grafana-sidecar-label.ts'
import { grafanaUid } from './grafana-uid.ts'
import { grafanaUnit } from './grafana-unit.ts'
import { grafanaWrapped } from './grafana-wrapped.ts'
import { hardCodedPoolSize } from './hard-coded-pool-size.ts'
import { ignoreWithoutReason } from './ignore-without-reason.ts'
import { labelMismatch } from './label-mismatch.ts'
import { limitNotSet } from './limit-not-set.ts'
import { metricName } from './metric-name.ts'
import { monitorSelectsNothing } from './monitor-selects-nothing.ts'
import { pagerdutyServiceKey } from './pagerduty-service-key.ts'
import { promqlSyntax } from './promql-syntax.ts'
import { quantileByInstance } from './quantile-by-instance.ts'
import { rateOnGauge } from './rate-on-gauge.ts'
import { ratioWithoutTraffic } from './ratio-without-traffic.ts'
import { recordedName } from './recorded-name.ts'
import { seriesThatAppearLate } from './series-that-appear-late.ts'
import { singleQueue } from './single-queue.ts'
import { thresholdOutsideBuckets } from './threshold-outside-buckets.ts'
import { topicNotCreated } from './topic-not-created.ts'
import { unknownMetric } from './unknown-metric.ts'
import { yamlSyntax } from './yaml-syntax.ts'
import type { LintRule } from '../contract.ts'

/** Every rule; the order is that of their pages. */
export const RULES: readonly LintRule[] = [
  absenceUnseen,
  alarmMissingData,
  alarmWithoutRecovery,
  alertmanagerContinue,
  alertmanagerGroupBy,
  alertmanagerInlineSecret,
  alertmanagerMatch,
  alertmanagerSecretName,
  alertmanagerTextRunsTogether,
  containerAverage,
  dimensionsNotPublished,
  divisorMayBeZero,
  filebeatContainerInput,
  filebeatJsonUndecoded,
  filebeatPlainPassword,
  gaugeSummed,
  grafanaDashboardFields,
  grafanaDatasource,
  grafanaGridPosition,
  grafanaPanelAlert,
  grafanaRefId,
  grafanaRemovedPanel,
  grafanaSidecarLabel,
  grafanaUid,
  grafanaUnit,
  grafanaWrapped,
  hardCodedPoolSize,
  ignoreWithoutReason,
  labelMismatch,
  limitNotSet,
  metricName,
  monitorSelectsNothing,
  pagerdutyServiceKey,
  promqlSyntax,
  quantileByInstance,
  rateOnGauge,
  ratioWithoutTraffic,
  recordedName,
  seriesThatAppearLate,
  singleQueue,
  thresholdOutsideBuckets,
  topicNotCreated,
  unknownMetric,
  yamlSyntax,
]
