/**
 * `celeriac lint` on the files of the guide (test/fixtures/guide): every fault of its list that lint is to find is found, in the
 * files together and in one Markdown page that holds them. The table is docs/lint/guide.md; `vitest run -u` on this file writes it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Finding, lint, type LintFile } from '../../src/lint/index.ts'

const folder = join(import.meta.dirname, '..', 'fixtures', 'guide')
const files: readonly LintFile[] = readdirSync(folder)
  .filter(path => path !== 'README.md')
  .map(path => ({ path, text: readFileSync(join(folder, path), 'utf8') }))
const { findings } = lint(files)

interface Row {
  /** Number in the list of the guide's faults. */
  readonly row: number
  readonly fault: string
  readonly rules: readonly string[]
  readonly file: string
  /** What the finding has to speak of, where a rule finds several things. */
  readonly about?: RegExp
}

const RECORDING = 'prometheus-recording-rules.yaml'
const ALERTS = 'prometheus-alert-rules.yaml'
const DASHBOARD = 'celery-dashboard.json'
const ALERTMANAGER = 'alertmanager-config.yaml'

const ROWS: readonly Row[] = [
  { row: 1, fault: 'rate() over a gauge', rules: ['rate-on-gauge'], file: ALERTS },
  {
    row: 3,
    fault: 'tasks per worker divides by a series without its label',
    rules: ['label-mismatch'],
    file: RECORDING,
  },
  { row: 5, fault: 'concurrency is taken to be 4', rules: ['hard-coded-pool-size'], file: RECORDING },
  {
    row: 6,
    fault: 'division by zero workers',
    rules: ['divisor-may-be-zero'],
    file: RECORDING,
    about: /celery_worker_count \* 4/,
  },
  {
    row: 8,
    fault: 'no success ratio before the first success',
    rules: ['series-that-appear-late'],
    file: RECORDING,
  },
  {
    row: 10,
    fault: 'a share without a least number of tasks',
    rules: ['ratio-without-traffic'],
    file: ALERTS,
  },
  { row: 12, fault: 'a dead exporter makes every alert quiet', rules: ['absence-unseen'], file: ALERTS },
  {
    row: 14,
    fault: 'p95 over 60 s of buckets up to 10 s',
    rules: ['threshold-outside-buckets'],
    file: ALERTS,
  },
  { row: 15, fault: 'quantile of each instance (alert)', rules: ['quantile-by-instance'], file: ALERTS },
  { row: 15, fault: 'quantile of each instance (panel)', rules: ['quantile-by-instance'], file: DASHBOARD },
  { row: 18, fault: 'division by a maxmemory of 0', rules: ['limit-not-set'], file: ALERTS },
  {
    row: 19,
    fault: 'redis_maxclients, which redis_exporter does not have',
    rules: ['unknown-metric'],
    file: ALERTS,
    about: /redis_config_maxclients/,
  },
  { row: 20, fault: 'only the queue reports is watched', rules: ['single-queue'], file: ALERTS },
  { row: 25, fault: 'recorded series named like metrics', rules: ['recorded-name'], file: RECORDING },
  { row: 25, fault: 'a gauge that ends in _count', rules: ['metric-name'], file: 'celery_exporter.py' },
  {
    row: 32,
    fault: 'the ServiceMonitor selects no Service',
    rules: ['monitor-selects-nothing'],
    file: 'celery-worker-servicemonitor.yaml',
  },
  { row: 40, fault: 'panels of type graph', rules: ['grafana-removed-panel'], file: DASHBOARD },
  { row: 41, fault: 'an alert inside a panel', rules: ['grafana-panel-alert'], file: DASHBOARD },
  { row: 42, fault: 'no schemaVersion', rules: ['grafana-dashboard-fields'], file: DASHBOARD },
  {
    row: 43,
    fault: 'no place, data source, unit, refId, uid',
    rules: ['grafana-grid-position', 'grafana-datasource', 'grafana-unit', 'grafana-ref-id', 'grafana-uid'],
    file: DASHBOARD,
  },
  {
    row: 44,
    fault: 'the ConfigMap has no label for the sidecar',
    rules: ['grafana-sidecar-label'],
    file: 'import-dashboard.sh',
  },
  {
    row: 48,
    fault: 'alarms that do not say what missing data means',
    rules: ['alarm-missing-data'],
    file: 'cloudwatch-alarms.sh',
  },
  {
    row: 50,
    fault: 'the topic for critical alarms is never created',
    rules: ['topic-not-created'],
    file: 'cloudwatch-alarms.sh',
  },
  {
    row: 51,
    fault: 'QueueDepth is asked for without its dimension',
    rules: ['dimensions-not-published'],
    file: 'cloudwatch-dashboard.json',
  },
  {
    row: 57,
    fault: 'critical alerts never reach Slack',
    rules: ['alertmanager-continue'],
    file: ALERTMANAGER,
  },
  {
    row: 59,
    fault: 'grouping by labels that no rule sets',
    rules: ['alertmanager-group-by'],
    file: ALERTMANAGER,
  },
  { row: 61, fault: 'match is deprecated', rules: ['alertmanager-match'], file: ALERTMANAGER },
  { row: 63, fault: 'secrets in the file', rules: ['alertmanager-inline-secret'], file: ALERTMANAGER },
  {
    row: 64,
    fault: 'a Secret that the operator does not read',
    rules: ['alertmanager-secret-name'],
    file: ALERTMANAGER,
  },
  { row: 79, fault: 'container input', rules: ['filebeat-container-input'], file: 'filebeat-config.yaml' },
  {
    row: 80,
    fault: 'JSON logs are not decoded',
    rules: ['filebeat-json-undecoded'],
    file: 'filebeat-config.yaml',
  },
  // Beyond those that were asked for.
  {
    row: 39,
    fault: 'the dashboard is wrapped in a request body',
    rules: ['grafana-wrapped'],
    file: DASHBOARD,
  },
  {
    row: 45,
    fault: 'CPU is averaged over the pod and its pause container',
    rules: ['container-average'],
    file: DASHBOARD,
    about: /cpu/,
  },
  { row: 46, fault: 'so is memory', rules: ['container-average'], file: DASHBOARD, about: /memory/ },
  {
    row: 49,
    fault: 'nobody learns of recovery',
    rules: ['alarm-without-recovery'],
    file: 'cloudwatch-alarms.sh',
  },
  { row: 52, fault: 'active tasks are summed', rules: ['gauge-summed'], file: 'cloudwatch-dashboard.json' },
  {
    row: 62,
    fault: 'descriptions run together',
    rules: ['alertmanager-text-runs-together'],
    file: ALERTMANAGER,
  },
  { row: 65, fault: 'service_key', rules: ['pagerduty-service-key'], file: ALERTMANAGER },
  {
    row: 82,
    fault: 'a password over plain HTTP',
    rules: ['filebeat-plain-password'],
    file: 'filebeat-config.yaml',
  },
]

const found = (
  { rules, file, about }: Row,
  rule: string,
  among: readonly Finding[] = findings,
): readonly Finding[] =>
  among.filter(
    finding =>
      finding.rule === rule &&
      finding.file === file &&
      (about === undefined || about.test(finding.message) || about.test(finding.fix ?? '')) &&
      rules.length > 0,
  )

test.each(ROWS.flatMap(row => row.rules.map(rule => [row.row, rule, row] as const)))(
  'row %i of the guide: %s finds it',
  (_, rule, row) => {
    expect(found(row, rule).length).toBeGreaterThan(0)
  },
)

test('in one page with all files in it the same is found, at the lines of the page', () => {
  const language = (path: string): string =>
    ({ py: 'python', sh: 'bash' })[path.split('.').at(-1) ?? ''] ?? path.split('.').at(-1) ?? ''
  let text = '# Guide\n\n'
  const lines = new Map<string, number>()
  for (const file of files) {
    text += `## ${file.path}\n\n\`\`\`${language(file.path)}\n`
    lines.set(file.path, text.split('\n').length - 1)
    text += `${file.text}\`\`\`\n\n`
  }
  const moved = (finding: Finding): string =>
    `${finding.line + (lines.get(finding.file) ?? 0)}:${finding.column} ${finding.rule} ${finding.message}`
  const inPage = lint([{ path: 'guide.md', text }]).findings.map(
    ({ line, column, rule, message }) => `${line}:${column} ${rule} ${message}`,
  )
  expect(inPage.sort()).toEqual(findings.map(moved).sort())
})

test('the table of what is found is kept as a page', async () => {
  const rows = ROWS.flatMap(row =>
    row.rules.map(rule => {
      const all = found(row, rule)
      const [first] = all
      const more = all.length > 1 ? ` and ${all.length - 1} more` : ''
      return `| ${row.row} | ${row.fault} | [${rule}](${rule}.md) | ${first?.severity} | \`${first?.file}:${first?.line}:${first?.column}\`${more} |`
    }),
  )
  const by = (severity: string): number => findings.filter(finding => finding.severity === severity).length
  const page = `<!-- Written by \`npx vitest run -u test/conformance/lint-guide.test.ts\`. -->

# What lint finds in the files of the guide

\`celeriac lint test/fixtures/guide\`: ${files.length} files, ${findings.length} findings (${by('error')} errors, ${by('warning')} warnings, ${by('info')} hints). promtool,
amtool and a JSON parser find nothing wrong with them. The row is the number in the list of the guide's faults.

| row | fault | rule | severity | place |
| --- | ----- | ---- | -------- | ----- |
${rows.join('\n')}
`
  await expect(page).toMatchFileSnapshot('../../docs/lint/guide.md')
})
