/**
 * Who watches the watcher. These two rules make sense only outside Celeriac, in the Prometheus that scrapes it, so they belong to
 * this target and not to the catalog: a dead exporter silences every other rule (guide-flaws 12 and 67).
 */
import { formatDuration, MINUTE, SECOND } from '../../base/index.ts'
import {
  type CatalogRuleGroup,
  DEFAULT_EXTERNAL_URL,
  META_GROUP,
  panels,
  ruleGroups,
  type RuleOptions,
  type Runbook,
  runbookUrl,
  type Severity,
} from '../../catalog/index.ts'

export const META_FILE = 'celeriac-meta.rules.yml'

/** The alert that always fires; routes send it to what calls people when it stops coming. */
export const WATCHDOG = 'CeleriacWatchdog'

const [memory] = panels.selfMemory.queries

/** What to do when Celeriac itself is silent. */
export const META_RUNBOOK = {
  alert: 'CeleriacDown',
  slug: 'celeriac-down',
  severity: 'critical',
  runbook: {
    title: 'Celeriac is down',
    meaning: [
      'Prometheus cannot scrape Celeriac. The fleet may be well or not: nobody looks. Alerts that rest on it neither fire nor resolve.',
      'CeleriacWatchdog is its counterpart: it always fires, and something outside must call when it stops coming.',
    ],
    check: [
      {
        text: 'Does the process run?',
        shell: 'systemctl status celeriac   # or: kubectl get pods -l app.kubernetes.io/name=celeriac',
      },
      {
        text: 'Does it answer where Prometheus looks for it?',
        shell: 'curl -fsS http://<host>:9808/-/healthy',
      },
      { text: 'What did it say last?', shell: 'journalctl -u celeriac -n 100 --no-pager' },
    ],
    act: [
      { text: 'Gone: start it. It goes on with what the broker and the workers say, and needs no repair.' },
      {
        text: 'Running, but out of reach: correct the address, the network policy or the scrape configuration.',
      },
      {
        text: 'Killed for memory: see celeriac_store_series and celeriac_series_dropped_total before it ended, and lower the number of task names or queues, or give it more.',
      },
    ],
    escalate: [
      'It ends again after each start.',
      'Nobody watches the fleet for 30 minutes: check queues and workers by hand.',
    ],
    before: [
      {
        text: 'Its memory climbed, and it stood still for longer and longer.',
        ...(memory && { query: memory.expr }),
      },
    ],
  },
} satisfies {
  readonly alert: string
  readonly slug: string
  readonly severity: Severity
  readonly runbook: Runbook
}

const DOWN = {
  summary: 'Celeriac is not reachable; Celery is not watched',
  description:
    'Prometheus has not reached Celeriac for 5m. None of its alerts can fire or resolve meanwhile. Is the process up, and is its address right in the scrape configuration?',
}
const ALWAYS = {
  summary: 'The way from Prometheus to people works',
  description:
    'This alert always fires. Send it to something that calls when it stops coming: then Prometheus, its rules or its Alertmanager are dead.',
}

/** The catalog's groups, that about Celeriac itself with what only the Prometheus that scrapes it can tell. */
export const outsideGroups = (options: RuleOptions): readonly CatalogRuleGroup[] =>
  ruleGroups(options).map(group => (group.name === META_GROUP ? withOutsideRules(group, options) : group))

const withOutsideRules = (group: CatalogRuleGroup, options: RuleOptions): CatalogRuleGroup => ({
  ...group,
  rules: [
    {
      kind: 'alert',
      alert: 'CeleriacDown',
      expr: 'max by (job) (up{job="celeriac"}) == 0\nor on (job)\nabsent(up{job="celeriac"})',
      forMs: 5 * MINUTE,
      keepFiringForMs: 0,
      labels: { severity: 'critical', component: 'celeriac' },
      annotations: { ...DOWN, runbook_url: runbook(options) },
    },
    {
      kind: 'alert',
      alert: WATCHDOG,
      expr: 'vector(1)',
      forMs: 0,
      keepFiringForMs: 0,
      labels: { severity: 'info', component: 'celeriac' },
      annotations: { ...ALWAYS, runbook_url: runbook(options) },
    },
    ...group.rules,
  ],
})

const runbook = (options: RuleOptions): string =>
  runbookUrl(options.externalUrl ?? DEFAULT_EXTERNAL_URL, META_RUNBOOK.slug)

/** The catalog's cases, with those of the rules from outside: the target gone, never there, and well. */
export function withOutsideTests<File extends { readonly tests: readonly unknown[] }>(
  file: File,
  options: RuleOptions,
) {
  const down = {
    exp_labels: { severity: 'critical', component: 'celeriac', job: 'celeriac' },
    exp_annotations: { ...DOWN, runbook_url: runbook(options) },
  }
  const always = {
    exp_labels: { severity: 'info', component: 'celeriac' },
    exp_annotations: { ...ALWAYS, runbook_url: runbook(options) },
  }
  const scene = (name: string, values: string, alerts: readonly unknown[]) => ({
    name,
    interval: formatDuration(15 * SECOND),
    input_series: [
      { series: 'up{job="celeriac", instance="a:9808"}', values },
      { series: 'celery_worker_count{job="celeriac", broker="default"}', values: '3x10 stale' },
    ],
    alert_rule_test: [
      { eval_time: '15m', alertname: 'CeleriacDown', exp_alerts: alerts },
      { eval_time: '15m', alertname: WATCHDOG, exp_alerts: [always] },
    ],
  })
  return {
    ...file,
    tests: [
      scene('Celeriac cannot be scraped any more', '1x20 0x60', [down]),
      scene('Celeriac was taken out of the configuration', '1x20 stale', [down]),
      scene('Celeriac is up', '1x80', []),
      ...file.tests,
    ],
  }
}
