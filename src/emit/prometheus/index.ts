/** The catalog for a Prometheus server: rule files, their unit tests, what watches Celeriac itself, and a scrape configuration. */
import { formatDuration } from '../../base/index.ts'
import { ALERT_GROUP, META_GROUP, RECORDING_GROUP } from '../../catalog/index.ts'
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { JOB, METRICS_PATH } from '../names.ts'
import { type EmitSettings, emitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, type YamlNote } from '../yaml.ts'
import { META_FILE, outsideGroups, withOutsideTests } from './meta.ts'
import { ruleFileGroup } from './rule-file.ts'
import { unitTests } from './unit-tests.ts'

const RECORDING_FILE = 'celery-recording.rules.yml'
const ALERTS_FILE = 'celery-alerts.rules.yml'
const TESTS_FILE = 'celery.rules.test.yml'
const META_TESTS_FILE = 'celeriac-meta.rules.test.yml'
const SCRAPE_FILE = 'prometheus.yml'
const SINGLE_FILE = 'celery.rules.yml'

const RULES_FOLDER = '/etc/prometheus/rules'

/** All files of the Prometheus target. The same options give the same bytes. */
export function emitPrometheus(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const file = (
    path: string,
    [what, load]: readonly [what: string, load: string],
    data: unknown,
    notes?: readonly YamlNote[],
  ): EmittedFile => ({ path, content: toYaml(header(settings, what, load), data, notes) })
  const load = `name it under rule_files of prometheus.yml, for instance as ${RULES_FOLDER}/*.rules.yml, and reload Prometheus.`
  const files: readonly (readonly [path: string, what: string])[] = [
    [RECORDING_FILE, 'Recorded series that alerts and panels read.'],
    [ALERTS_FILE, 'Alerts on Celery fleets. They read the recorded series, so load both files.'],
    [
      META_FILE,
      'Alerts on Celeriac itself, for the Prometheus that scrapes it: no monitor can tell of its own death.',
    ],
  ]
  return [
    ...outsideGroups(settings).map((group, i) => {
      const [path, what] = files[i] ?? [`${group.name}.rules.yml`, '']
      return file(path, [what, load], { groups: [ruleFileGroup(group)] })
    }),
    file(
      TESTS_FILE,
      ['Every alert fires in one case and stays quiet in another.', `promtool test rules ${TESTS_FILE}`],
      unitTests(settings, [RECORDING_FILE, ALERTS_FILE], [RECORDING_GROUP, ALERT_GROUP]),
    ),
    file(
      META_TESTS_FILE,
      ['Cases of the alerts on Celeriac itself.', `promtool test rules ${META_TESTS_FILE}`],
      withOutsideTests(unitTests(settings, [META_FILE], [META_GROUP]), settings),
    ),
    file(
      SCRAPE_FILE,
      [
        'A Prometheus that scrapes Celeriac, evaluates its rules and tells an Alertmanager.',
        `prometheus --config.file=${SCRAPE_FILE}, or merge it into your own configuration.`,
      ],
      scrapeConfig(
        settings,
        files.map(([path]) => path),
      ),
      [
        [['scrape_configs', 0, 'job_name'], `The rules that watch Celeriac itself look for this job.`],
        [
          ['scrape_configs', 0, 'honor_labels'],
          'Celeriac tells of containers and queues of others: its labels win over those of the scrape.',
        ],
      ],
    ),
  ]
}

const scrapeConfig = (settings: EmitSettings, ruleFiles: readonly string[]) => {
  const interval = formatDuration(settings.intervalMs)
  return {
    global: { scrape_interval: interval, evaluation_interval: interval },
    rule_files: ruleFiles,
    alerting: { alertmanagers: [{ static_configs: [{ targets: [settings.alertmanager] }] }] },
    scrape_configs: [
      {
        job_name: JOB,
        metrics_path: METRICS_PATH,
        honor_labels: true,
        static_configs: [{ targets: [settings.scrape] }],
      },
    ],
  }
}

/** All rules in one file, for a pipe: `celeriac emit prometheus > celery.rules.yml`. */
export function emitRuleFile(given: Partial<EmitSettings> = {}): EmittedFile {
  const settings = emitSettings(given)
  return {
    path: SINGLE_FILE,
    content: toYaml(
      header(
        settings,
        'Recorded series, alerts on Celery fleets, and alerts on Celeriac itself.',
        'name it under rule_files of prometheus.yml and reload Prometheus.',
      ),
      { groups: outsideGroups(settings).map(ruleFileGroup) },
    ),
  }
}

export const prometheusTarget: Target = {
  name: 'prometheus',
  description: 'rule files, their unit tests, and a scrape configuration',
  uses: ['config', 'scrape', 'alertmanager'],
  files: emitPrometheus,
  print: settings => emitRuleFile(settings).content,
}
