/** The catalog for a Prometheus server: rule files, their unit tests, what watches Celeriac itself, and a scrape configuration. */
import { formatDuration } from '../../base/index.ts'
import { ruleGroups } from '../../catalog/index.ts'
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { JOB, METRICS_PATH } from '../names.ts'
import { type EmitSettings, emitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, type YamlNote } from '../yaml.ts'
import { META_FILE, metaGroup, metaTests } from './meta.ts'
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
  const groups = ruleGroups(settings).map(ruleFileGroup)
  const ruleFiles = [RECORDING_FILE, ALERTS_FILE]
  const load = `name it under rule_files of prometheus.yml, for instance as ${RULES_FOLDER}/*.rules.yml, and reload Prometheus.`
  return [
    ...groups.map((group, i) =>
      file(
        ruleFiles[i] ?? `${group.name}.rules.yml`,
        [
          i === 0
            ? 'Recorded series that alerts and panels read.'
            : 'Alerts on Celery fleets. They read the recorded series, so load both files.',
          load,
        ],
        { groups: [group] },
      ),
    ),
    file(
      META_FILE,
      [
        'Alerts on Celeriac itself, for the Prometheus that scrapes it: no monitor can tell of its own death.',
        load,
      ],
      { groups: [ruleFileGroup(metaGroup(settings))] },
    ),
    file(
      TESTS_FILE,
      ['Every alert fires in one case and stays quiet in another.', `promtool test rules ${TESTS_FILE}`],
      unitTests(settings, ruleFiles),
    ),
    file(
      META_TESTS_FILE,
      ['Cases of the alerts on Celeriac itself.', `promtool test rules ${META_TESTS_FILE}`],
      metaTests(settings),
    ),
    file(
      SCRAPE_FILE,
      [
        'A Prometheus that scrapes Celeriac, evaluates its rules and tells an Alertmanager.',
        `prometheus --config.file=${SCRAPE_FILE}, or merge it into your own configuration.`,
      ],
      scrapeConfig(settings, [...ruleFiles, META_FILE]),
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

/** Recording rules and alerts in one rule file, for a pipe: `celeriac emit prometheus > celery.rules.yml`. */
export function emitRuleFile(given: Partial<EmitSettings> = {}): EmittedFile {
  const settings = emitSettings(given)
  return {
    path: SINGLE_FILE,
    content: toYaml(
      header(
        settings,
        'Recorded series and alerts on Celery fleets.',
        'name it under rule_files of prometheus.yml and reload Prometheus.',
      ),
      { groups: ruleGroups(settings).map(ruleFileGroup) },
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
