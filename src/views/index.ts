export { type ChangeLog, type ChangeRow, createChangeLog } from './changes.ts'
export {
  buildHealth,
  type HealthInput,
  type HealthReason,
  type HealthReport,
  type HealthReports,
} from './health.ts'
export { type UnitOf, unitsOf } from './limits.ts'
export { wordValue } from './values.ts'
export { type BrokerStatus, type OverviewInput, type RangePort } from './input.ts'
export { buildOverview } from './overview.ts'
export { type PromAlert, promAlerts, type PromRule, type PromRuleGroup, promRules } from './prometheus.ts'
