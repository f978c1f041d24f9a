/** The catalog's rules as Prometheus knows them: data that our own engine evaluates and that emitters write as files. */
import { formatDuration, SECOND } from '../base/index.ts'
import type { TextContext } from './alert.ts'
import { type ConfiguredAlert, configureAlerts } from './configure.ts'
import { either, type Where } from './expr.ts'
import { recorded } from './recording-rules.ts'
import type { Expr } from './spec.ts'
import { inWords } from './wording.ts'

/** Structurally a rule group of the `rules` room. */
export interface CatalogRuleGroup {
  readonly name: string
  readonly file: string
  readonly intervalMs: number
  readonly rules: readonly (CatalogRecordingRule | CatalogAlertingRule)[]
}

export interface CatalogRecordingRule {
  readonly kind: 'record'
  readonly record: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
}

export interface CatalogAlertingRule {
  readonly kind: 'alert'
  readonly alert: string
  readonly expr: string
  readonly forMs: number
  readonly keepFiringForMs: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface RuleOptions {
  readonly alerts?: readonly ConfiguredAlert[]
  /** Default 15 s. */
  readonly intervalMs?: number
  /** Of the recording rules; default the same. What collects more often than it alerts need not wait for its ratios. */
  readonly recordingIntervalMs?: number
  /** Where people reach Celeriac; runbook links start with it. */
  readonly externalUrl?: string
}

/** Celeriac's own address unless config says how others reach it. */
export const DEFAULT_EXTERNAL_URL = 'http://127.0.0.1:9808'

export const RULE_INTERVAL_MS = 15 * SECOND

export const RECORDING_GROUP = 'celery_aggregations'
export const ALERT_GROUP = 'celery_alerts'

/** Both groups; an alert that is switched off is left out. */
export function ruleGroups(options: RuleOptions = {}): readonly CatalogRuleGroup[] {
  const intervalMs = options.intervalMs ?? RULE_INTERVAL_MS
  const externalUrl = options.externalUrl ?? DEFAULT_EXTERNAL_URL
  const configured = options.alerts ?? configureAlerts()
  return [
    {
      name: RECORDING_GROUP,
      file: 'catalog',
      intervalMs: options.recordingIntervalMs ?? intervalMs,
      rules: Object.values(recorded).map(({ name, expr }) => ({
        kind: 'record',
        record: name,
        expr: expr.text,
        labels: {},
      })),
    },
    {
      name: ALERT_GROUP,
      file: 'catalog',
      intervalMs,
      rules: configured.filter(({ enabled }) => enabled).map(entry => alertingRule(entry, externalUrl)),
    },
  ]
}

/** The link to an alert's runbook. */
export const runbookUrl = (externalUrl: string, slug: string): string =>
  `${externalUrl.replace(/\/+$/, '')}/runbooks/${slug}`

function alertingRule(configured: ConfiguredAlert, externalUrl: string): CatalogAlertingRule {
  const { alert } = configured
  const words = textContext(configured)
  return {
    kind: 'alert',
    alert: alert.name,
    expr: alertExpr(configured).text,
    forMs: configured.forMs,
    keepFiringForMs: 0,
    labels: { severity: configured.severity, component: alert.component },
    annotations: {
      summary: alert.summary(words),
      description: alert.description(words),
      runbook_url: runbookUrl(externalUrl, alert.slug),
    },
  }
}

/** The expression with config's numbers: queues with a limit of their own are told apart by their selectors. */
export function alertExpr({ alert, threshold, queues, parameters }: ConfiguredAlert): Expr {
  const own = Object.entries(queues).sort(([a], [b]) => (a < b ? -1 : 1))
  const choice = (limit: number, where: Where<'queue'>): Expr => alert.expr({ limit, where, parameters })
  if (own.length === 0) return choice(threshold, {})
  return either([
    choice(threshold, { queue: { noneOf: own.map(([queue]) => queue) } }),
    ...own.flatMap(([queue, limit]) => (limit === null ? [] : [choice(limit, { queue })])),
  ])
}

/** The limit in words; where queues have limits of their own, a Go template that prints the one of the alert's queue. */
function limitInWords({ alert, threshold, queues }: ConfiguredAlert): string {
  const words = inWords(threshold, alert.threshold.unit)
  const byLimit = new Map<string, string[]>()
  for (const [queue, limit] of Object.entries(queues).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (limit === null || limit === threshold) continue
    const own = inWords(limit, alert.threshold.unit)
    byLimit.set(own, [...(byLimit.get(own) ?? []), JSON.stringify(queue)])
  }
  if (byLimit.size === 0) return words
  const choices = [...byLimit].map(([own, names]) => `if eq $labels.queue ${names.join(' ')} }}${own}`)
  return `{{ ${choices.join('{{ else ')}{{ else }}${words}{{ end }}`
}

const textContext = (configured: ConfiguredAlert): TextContext => {
  const { alert, forMs, parameters } = configured
  return {
    limit: limitInWords(configured),
    for: formatDuration(forMs),
    parameters: Object.fromEntries(
      Object.entries(alert.parameters).map(([name, { value, unit }]) => [
        name,
        inWords(parameters[name] ?? value, unit),
      ]),
    ),
  }
}
