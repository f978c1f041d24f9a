export type {
  Check,
  ExpectedDashboard,
  ExpectedRule,
  FoundDashboard,
  Level,
  LoadedRule,
  ObservedScrapes,
  ScrapeTarget,
} from './contract.ts'
export { checkDashboards } from './dashboards.ts'
export { checkRoutes, readRouting } from './routes.ts'
export { checkRules } from './rules.ts'
export { checkAlertmanagers, checkScrapes } from './scrapes.ts'
