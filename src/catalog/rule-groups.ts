/** The catalog's rules as Prometheus knows them: data that our own engine evaluates and that emitters write as files. */
import { formatDuration, SECOND } from '../base/index.ts'
import type { Alert, LimitScope, TextContext } from './alert.ts'
import { type ConfiguredAlert, configureAlerts, type LimitNumbers } from './configure.ts'
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
/** Of alerts on Celeriac itself. */
export const META_GROUP = 'celeriac_meta'

/** Recorded series, alerts on fleets, alerts on Celeriac itself, in this order; an alert that is switched off is left out. */
export function ruleGroups(options: RuleOptions = {}): readonly CatalogRuleGroup[] {
  const intervalMs = options.intervalMs ?? RULE_INTERVAL_MS
  const externalUrl = options.externalUrl ?? DEFAULT_EXTERNAL_URL
  const configured = options.alerts ?? configureAlerts()
  const group = (name: string, holds: (alert: Alert) => boolean): CatalogRuleGroup => ({
    name,
    file: 'catalog',
    intervalMs,
    rules: configured
      .filter(({ alert, enabled }) => enabled && holds(alert))
      .flatMap(entry => alertingRules(entry, externalUrl)),
  })
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
    group(ALERT_GROUP, ({ component }) => component !== 'celeriac'),
    group(META_GROUP, ({ component }) => component === 'celeriac'),
  ]
}

/** The link to an alert's runbook. */
export const runbookUrl = (externalUrl: string, slug: string): string =>
  `${externalUrl.replace(/\/+$/, '')}/runbooks/${slug}`

/** Numbers that hold for some series of an alert, and which: of one queue or task, or of the rest. */
interface Choice {
  readonly numbers: LimitNumbers
  readonly where: Where<LimitScope>
  readonly of?: { readonly scope: LimitScope; readonly name: string }
}

const inOrder = (own: Readonly<Record<string, LimitNumbers | null>>) =>
  Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1))

/** Each series belongs to one choice at most: that of its task, else that of its queue, else the rest. */
function choicesOf(configured: ConfiguredAlert): readonly Choice[] {
  const queues = inOrder(configured.queues)
  const tasks = inOrder(configured.tasks)
  const noneOf = (scope: LimitScope, own: typeof queues): Where<LimitScope> =>
    own.length === 0 ? {} : { [scope]: { noneOf: own.map(([name]) => name) } }
  const otherTasks = noneOf('task', tasks)
  return [
    { numbers: configured, where: { ...noneOf('queue', queues), ...otherTasks } },
    ...queues.flatMap(([name, numbers]): Choice[] =>
      numbers === null
        ? []
        : [{ numbers, where: { queue: name, ...otherTasks }, of: { scope: 'queue', name } }],
    ),
    ...tasks.flatMap(([name, numbers]): Choice[] =>
      numbers === null ? [] : [{ numbers, where: { task: name }, of: { scope: 'task', name } }],
    ),
  ]
}

/**
 * The rules of an alert: one, unless queues or tasks have a time or a severity of their own. They share its name and tell
 * different series.
 */
function alertingRules(configured: ConfiguredAlert, externalUrl: string): readonly CatalogAlertingRule[] {
  const { alert } = configured
  const alike = new Map<string, Choice[]>()
  for (const choice of choicesOf(configured)) {
    const key = `${choice.numbers.severity} ${choice.numbers.forMs}`
    alike.set(key, [...(alike.get(key) ?? []), choice])
  }
  return [...alike.values()].flatMap((choices): CatalogAlertingRule[] => {
    const [first] = choices
    if (first === undefined) return []
    const { severity, forMs } = first.numbers
    const words = textContext(configured, choices, forMs)
    return [
      {
        kind: 'alert',
        alert: alert.name,
        expr: exprOf(configured, choices).text,
        forMs,
        keepFiringForMs: 0,
        labels: { severity, component: alert.component },
        annotations: {
          summary: alert.summary(words),
          description: alert.description(words),
          runbook_url: runbookUrl(externalUrl, alert.slug),
        },
      },
    ]
  })
}

/** The expression with config's numbers: what has a limit of its own is told apart by its selectors. */
export const alertExpr = (configured: ConfiguredAlert): Expr => exprOf(configured, choicesOf(configured))

function exprOf({ alert, parameters }: ConfiguredAlert, choices: readonly Choice[]): Expr {
  const [only, ...others] = choices.map(({ numbers, where, of }) =>
    alert.expr({ limit: numbers.threshold, where, rest: of === undefined, parameters }),
  )
  return only !== undefined && others.length === 0
    ? only
    : either(only === undefined ? [] : [only, ...others])
}

/** The limit in words; where they differ, a Go template that prints the one of the alert's task or queue. */
function limitInWords({ alert }: ConfiguredAlert, choices: readonly Choice[]): string {
  const wordsOf = ({ numbers }: Choice): string => inWords(numbers.threshold, alert.threshold.unit)
  const last = choices.find(({ of }) => of === undefined) ?? choices.at(-1)
  if (last === undefined) return ''
  const otherwise = wordsOf(last)
  const conditions = (['task', 'queue'] as const).flatMap(scope => {
    const byWords = new Map<string, string[]>()
    for (const choice of choices) {
      if (choice.of?.scope !== scope) continue
      // Said as well where it is the common one, lest the limit of its queue be told for a task.
      const words = wordsOf(choice)
      if (words === otherwise && scope === 'queue') continue
      byWords.set(words, [...(byWords.get(words) ?? []), JSON.stringify(choice.of.name)])
    }
    return [...byWords].map(([words, names]) => `if eq $labels.${scope} ${names.join(' ')} }}${words}`)
  })
  if (conditions.length === 0) return otherwise
  return `{{ ${conditions.join('{{ else ')}{{ else }}${otherwise}{{ end }}`
}

const textContext = (configured: ConfiguredAlert, choices: readonly Choice[], forMs: number): TextContext => {
  const { alert, parameters } = configured
  return {
    limit: limitInWords(configured, choices),
    for: formatDuration(forMs),
    parameters: Object.fromEntries(
      Object.entries(alert.parameters).map(([name, { value, unit }]) => [
        name,
        inWords(parameters[name] ?? value, unit),
      ]),
    ),
  }
}
