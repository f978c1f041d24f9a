import { formatDuration } from '../../base/index.ts'
import {
  type Alert,
  alertExpr,
  alerts,
  collectedMetrics,
  type ConfiguredAlert,
  configureAlerts,
  inhibitedBy,
  inWords,
  watchedMetrics,
} from '../../catalog/index.ts'
import { bullets, code, fenced, page, table } from './markdown.ts'

/** Every alert with its numbers, its expression and what of it config may change. */
export const alertsPage = (note: string): string =>
  page(
    note,
    '# Alerts',
    `${alerts.length} alerts, with the numbers of the catalog. Each has a [runbook](runbooks/README.md). Two more make sense only in a Prometheus that scrapes Celeriac, and come with \`celeriac emit prometheus\`: [CeleriacDown](runbooks/celeriac-down.md), and CeleriacWatchdog, which always fires so that its silence can be noticed.`,
    table(
      ['alert', 'severity', 'limit', 'for', 'guide', 'runbook'],
      alerts.map((alert: Alert) => [
        `[${code(alert.name)}](#${alert.name.toLowerCase()})`,
        alert.severity,
        limitInWords(alert),
        formatDuration(alert.forMs),
        alert.guide === undefined ? '' : String(alert.guide),
        `[${alert.slug}](runbooks/${alert.slug}.md)`,
      ]),
    ),
    '## Changing them',
    'In the configuration, under `alerts`, by name. What is left out keeps its value.',
    fenced(
      'yaml',
      `alerts:
  CeleryQueueDepthHigh:
    threshold: 200 # the limit of every queue
    queues:
      reports: 1000 # its own limit
      mail: { threshold: 20, for: 1m, severity: critical } # and more of its own
      archive: null # never
    for: 10m
    severity: info
  CelerySlowProcessing:
    tasks:
      report.render: 300 # holds in every queue, before the limit of a queue
  CeleryHighFailureRate:
    parameters:
      minimumFailures: 20
  CeleryTasksPerWorkerHigh:
    enabled: false`,
    ),
    ...configureAlerts().flatMap(configured => alertSection(configured)),
  )

const limitInWords = ({ threshold }: Alert): string =>
  `${threshold.direction} ${inWords(threshold.value, threshold.unit)}${threshold.unit === 'per_second' ? '/s' : ''}`

function alertSection(configured: ConfiguredAlert): readonly string[] {
  const { alert } = configured
  const watched = watchedMetrics(alert)
  return [
    `## ${alert.name}`,
    `${alert.runbook.title}. [Runbook](runbooks/${alert.slug}.md).`,
    fenced('promql', alertExpr(configured).text),
    bullets([
      `${alert.labels.length === 0 ? 'Told once' : `Told by ${alert.labels.map(code).join(', ')}`}; panel ${code(alert.panel)}.`,
      `Watches ${watched.map(({ name }) => code(name)).join(', ')}; sources: ${sourcesOf(alert).join(', ')}.`,
      ...(alert.scopes.length === 0
        ? []
        : [`Limits of their own: ${alert.scopes.map(scope => code(`${scope}s`)).join(', ')}.`]),
      ...inhibitedBy(alert.name).map(
        ({ source, where, equal }) =>
          `Muted while ${code(source)}${Object.entries(where)
            .map(([name, value]) => ` (${name} ${value})`)
            .join('')} fires with the same ${equal.map(code).join(', ')}.`,
      ),
      ...Object.entries(alert.parameters).map(
        ([name, { value, unit, help }]) => `Parameter ${code(name)}, ${inWords(value, unit)}: ${help}`,
      ),
      cloudWatchInWords(alert),
    ]),
  ]
}

/** Where the numbers of an alert come from in the end. */
const sourcesOf = (alert: Alert): readonly string[] => [
  ...new Set(collectedMetrics(watchedMetrics(alert)).flatMap(({ sources }) => sources)),
]

const cloudWatchInWords = ({ cloudwatch }: Alert): string =>
  cloudwatch === null
    ? 'No CloudWatch form.'
    : `CloudWatch: ${cloudwatch.statistic} of ${code(cloudwatch.metric)} by ${cloudwatch.dimensions.join(', ')}, ${cloudwatch.datapointsToAlarm} of ${cloudwatch.evaluationPeriods} periods of ${cloudwatch.periodSeconds} s, missing data ${cloudwatch.treatMissingData}.`
