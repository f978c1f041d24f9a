/** Celeriac as a Helm chart, for Helm 3 and 4 (chart API v2). */
import { ruleFiles } from '../carried.ts'
import type { EmittedFile } from '../file.ts'
import { dashboardFiles } from '../grafana/index.ts'
import { header } from '../header.ts'
import { NAME } from '../names.ts'
import { CONTAINER, programConfig } from '../program.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml } from '../yaml.ts'
import { chartTemplates, DASHBOARDS_FOLDER, RULES_FOLDER } from './templates.ts'
import { chartValues, valueNotes, valuesSchema } from './values.ts'

const chart = (settings: EmitSettings) => ({
  apiVersion: 'v2',
  name: NAME,
  description: 'Watches Celery: collects, stores, evaluates, alerts, notifies and shows, in one process.',
  type: 'application',
  version: settings.version,
  appVersion: settings.version,
  kubeVersion: '>=1.25.0-0',
  keywords: ['celery', 'monitoring', 'prometheus', 'alerts'],
  maintainers: [{ name: NAME }],
})

/** What a template says of itself; it leaves no trace in what Helm makes of it. */
const comment = (settings: EmitSettings, what: string): string =>
  `{{- /*\n${header(settings, what)}\n*/ -}}\n`

export function emitHelm(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const secrets = programConfig(settings, CONTAINER.secrets).secrets.map(({ name }) => name)
  return [
    {
      path: 'Chart.yaml',
      content: toYaml(
        header(
          settings,
          'Celeriac as a chart.',
          `helm install ${NAME} . --namespace ${settings.namespace} --create-namespace`,
        ),
        chart(settings),
      ),
    },
    {
      path: 'values.yaml',
      content: toYaml(
        header(
          settings,
          'What may be set, and what holds otherwise; values.schema.json refuses all else.',
          'write what differs into a file of yours: helm install -f FILE',
        ),
        chartValues(settings),
        valueNotes(settings),
      ),
    },
    { path: 'values.schema.json', content: `${JSON.stringify(valuesSchema(settings), null, 2)}\n` },
    ...chartTemplates(settings.dataFolder, secrets).map(([path, text]) => ({
      path: `templates/${path}`,
      content:
        comment(settings, path === 'NOTES.txt' ? 'Shown after installing.' : 'A template of the chart.') +
        text,
    })),
    // Their templates are Prometheus': carried as files, Helm does not read them.
    ...ruleFiles(settings).map(file => ({ ...file, path: `${RULES_FOLDER}/${file.path}` })),
    ...dashboardFiles(settings).map(file => ({ ...file, path: `${DASHBOARDS_FOLDER}/${file.path}` })),
  ]
}

export const helmTarget: Target = {
  name: 'helm',
  description: 'Celeriac as a Helm chart with a strict schema of its values, rules and dashboards',
  uses: ['config', 'namespace', 'label', 'datasource'],
  files: emitHelm,
  print: settings =>
    toYaml(header(settings, 'The values of the chart.'), chartValues(settings), valueNotes(settings)),
}
