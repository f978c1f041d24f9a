/** The catalog's dashboards for Grafana: as files that it loads by itself, to import by hand, and as ConfigMaps for the sidecar. */
import { dashboards } from '../../catalog/index.ts'
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { type KubernetesObject, objectMeta } from '../kubernetes-object.ts'
import { NAME } from '../names.ts'
import type { EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, yamlStream } from '../yaml.ts'
import { grafanaDashboard } from './dashboard.ts'

const FOLDER = 'Celery'
/** Folders and dashboards share one space of uids. */
const FOLDER_UID = 'celery'
/** Where Grafana finds the files. */
export const DASHBOARDS_FOLDER = `/var/lib/grafana/dashboards/${NAME}`

/** The uid of the data source that is provisioned, unless one was named. */
export const DATASOURCE_UID = `${NAME}-prometheus`

/** The label by which the sidecar of kube-prometheus-stack finds dashboards (`sidecar.dashboards.label`; guide-flaw 44). */
export const SIDECAR_LABEL: Readonly<Record<string, string>> = { grafana_dashboard: '1' }

/** The dashboards, one file each. */
export const dashboardFiles = (settings: EmitSettings): readonly EmittedFile[] =>
  dashboards.map(board => ({
    path: `${board.slug}.json`,
    content: `${JSON.stringify(grafanaDashboard(settings, board), null, 2)}\n`,
  }))

/** A ConfigMap for each dashboard. */
export const dashboardConfigMaps = (settings: EmitSettings): readonly KubernetesObject[] =>
  dashboardFiles(settings).map(({ path, content }) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...objectMeta(settings, `${NAME}-dashboard-${path.replace(/\.json$/, '')}`, SIDECAR_LABEL),
      annotations: { grafana_folder: FOLDER },
    },
    data: { [path]: content },
  }))

/** What tells Grafana where the files lie. */
export const dashboardProvider = (settings: EmitSettings): EmittedFile => ({
  path: 'provisioning/dashboards/celeriac.yaml',
  content: toYaml(
    header(
      settings,
      'Tells Grafana where the dashboards lie.',
      `put it into /etc/grafana/provisioning/dashboards and dashboards/*.json into ${DASHBOARDS_FOLDER}. By hand: Dashboards, New, Import.`,
    ),
    {
      apiVersion: 1,
      providers: [
        {
          name: NAME,
          folder: FOLDER,
          folderUid: FOLDER_UID,
          type: 'file',
          disableDeletion: false,
          allowUiUpdates: false,
          updateIntervalSeconds: 30,
          options: { path: DASHBOARDS_FOLDER, foldersFromFilesStructure: false },
        },
      ],
    },
    [
      [
        ['providers', 0, 'allowUiUpdates'],
        'What is changed in the browser would be lost with the next file.',
      ],
    ],
  ),
})

/** The Prometheus that scrapes Celeriac, as a data source. */
export const datasourceFile = (settings: EmitSettings): EmittedFile => ({
  path: 'provisioning/datasources/celeriac.yaml',
  content: toYaml(
    header(
      settings,
      'The Prometheus that scrapes Celeriac. Leave it out where Grafana has it already; every dashboard lets its readers choose, unless --datasource UID was given.',
      'put it into /etc/grafana/provisioning/datasources. Another address: --prometheus URL',
    ),
    {
      apiVersion: 1,
      datasources: [
        {
          name: 'Prometheus (Celeriac)',
          uid: settings.datasource ?? DATASOURCE_UID,
          type: 'prometheus',
          access: 'proxy',
          url: settings.prometheus,
          jsonData: { httpMethod: 'POST', timeInterval: `${settings.intervalMs / 1000}s` },
        },
      ],
    },
    [[['datasources', 0, 'jsonData', 'timeInterval'], 'How often Prometheus scrapes.']],
  ),
})

function emitGrafana(settings: EmitSettings): readonly EmittedFile[] {
  return [
    ...dashboardFiles(settings).map(file => ({ ...file, path: `dashboards/${file.path}` })),
    dashboardProvider(settings),
    datasourceFile(settings),
    {
      path: 'configmaps.yaml',
      content: yamlStream(
        dashboardConfigMaps(settings).map((object, i) =>
          toYaml(
            i === 0
              ? header(
                  settings,
                  'The dashboards for the sidecar of kube-prometheus-stack, which looks for the label in all namespaces.',
                  'kubectl apply -f configmaps.yaml',
                )
              : `Dashboard ${object.metadata.name}`,
            object,
          ),
        ),
      ),
    },
  ]
}

export const grafanaTarget: Target = {
  name: 'grafana',
  description: 'five dashboards, their provisioning, and ConfigMaps for the sidecar of kube-prometheus-stack',
  uses: ['config', 'datasource', 'prometheus', 'namespace', 'label'],
  files: emitGrafana,
  print: settings => dashboardFiles(settings)[0]?.content ?? '',
}
