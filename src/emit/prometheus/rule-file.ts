import { formatDuration } from '../../base/index.ts'
import type { CatalogAlertingRule, CatalogRecordingRule, CatalogRuleGroup } from '../../catalog/index.ts'

/** A group as Prometheus' rule files write it (prometheus/docs configuration/recording_rules.md). */
export const ruleFileGroup = (group: CatalogRuleGroup) => ({
  name: group.name,
  interval: formatDuration(group.intervalMs),
  rules: group.rules.map(rule => (rule.kind === 'record' ? recordingRule(rule) : alertingRule(rule))),
})

const recordingRule = ({ record, expr, labels }: CatalogRecordingRule) => ({
  record,
  expr,
  ...(Object.keys(labels).length > 0 && { labels }),
})

const alertingRule = (rule: CatalogAlertingRule) => ({
  alert: rule.alert,
  expr: rule.expr,
  ...(rule.forMs > 0 && { for: formatDuration(rule.forMs) }),
  ...(rule.keepFiringForMs > 0 && { keep_firing_for: formatDuration(rule.keepFiringForMs) }),
  labels: rule.labels,
  annotations: rule.annotations,
})
