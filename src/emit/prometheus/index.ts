/** The catalog for a Prometheus server: rule files, their unit tests, what watches Celeriac itself, and a scrape configuration. */
import { configureAlerts, type RuleOptions, ruleGroups } from '../../catalog/index.ts'
import type { EmittedFile } from '../file.ts'
import { toYaml } from '../yaml.ts'
import { META_FILE, metaGroup, metaTests } from './meta.ts'
import { ruleFileGroup } from './rule-file.ts'
import { unitTests } from './unit-tests.ts'

export interface PrometheusOptions extends RuleOptions {
  /** Where Prometheus reaches Celeriac, `host:port`. */
  readonly scrapeTarget?: string
  /** Named in the first comment of every file. */
  readonly command?: string
}

const RECORDING_FILE = 'celery-recording.rules.yml'
const ALERTS_FILE = 'celery-alerts.rules.yml'
const TESTS_FILE = 'celery.rules.test.yml'
const META_TESTS_FILE = 'celeriac-meta.rules.test.yml'
const SCRAPE_FILE = 'prometheus.yml'
const SINGLE_FILE = 'celery.rules.yml'

/** The job under which Prometheus scrapes Celeriac; the meta rules look for it. */
export const JOB = 'celeriac'

const madeBy = ({ command = 'npm run emit' }: PrometheusOptions): string =>
  `Made by \`${command}\` from the catalog of Celeriac. Do not edit: change the catalog or the config, then emit again.`

/** All files of the Prometheus target. The same options give the same bytes. */
export function emitPrometheus(options: PrometheusOptions = {}): readonly EmittedFile[] {
  const alerts = options.alerts ?? configureAlerts()
  const file = (path: string, comment: string, data: unknown): EmittedFile => ({
    path,
    content: toYaml(`${comment}\n${madeBy(options)}`, data),
  })
  const groups = ruleGroups({ ...options, alerts }).map(ruleFileGroup)
  const ruleFiles = [RECORDING_FILE, ALERTS_FILE]
  return [
    ...groups.map((group, i) =>
      file(
        ruleFiles[i] ?? `${group.name}.rules.yml`,
        i === 0 ? 'Recorded series that alerts and panels read.' : 'Alerts on Celery fleets.',
        { groups: [group] },
      ),
    ),
    file(
      META_FILE,
      'Alerts on Celeriac itself, for the Prometheus that scrapes it: no monitor can tell of its own death.',
      {
        groups: [ruleFileGroup(metaGroup(options))],
      },
    ),
    file(
      TESTS_FILE,
      `Every alert fires in one case and stays quiet in another. Run: promtool test rules ${TESTS_FILE}`,
      unitTests(alerts, options, ruleFiles),
    ),
    file(META_TESTS_FILE, `Run: promtool test rules ${META_TESTS_FILE}`, metaTests(options)),
    file(
      SCRAPE_FILE,
      'A Prometheus that scrapes Celeriac and loads its rules. Merge it into your own configuration.',
      {
        global: { scrape_interval: '15s', evaluation_interval: '15s' },
        rule_files: [...ruleFiles, META_FILE],
        scrape_configs: [
          {
            job_name: JOB,
            honor_labels: true,
            static_configs: [{ targets: [options.scrapeTarget ?? '127.0.0.1:9808'] }],
          },
        ],
      },
    ),
  ]
}

/** Recording rules and alerts in one rule file, for a pipe: `celeriac emit prometheus > celery.rules.yml`. */
export function emitRuleFile(options: PrometheusOptions = {}): EmittedFile {
  return {
    path: SINGLE_FILE,
    content: toYaml(`Recorded series and alerts on Celery fleets.\n${madeBy(options)}`, {
      groups: ruleGroups(options).map(ruleFileGroup),
    }),
  }
}
