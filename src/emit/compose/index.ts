/** Celeriac with a service to watch, and beside it Prometheus, Alertmanager and Grafana, all from what the other targets emit. */
import { alertmanagerTarget } from '../alertmanager/index.ts'
import { ruleFiles } from '../carried.ts'
import { EXAMPLE_API, EXAMPLE_REDIS, EXAMPLE_WORKER } from '../example.ts'
import type { EmittedFile } from '../file.ts'
import { dashboardFiles, dashboardProvider, datasourceFile } from '../grafana/index.ts'
import { header } from '../header.ts'
import { celeriacImage, reportsImage } from '../images.ts'
import { NAME, PORT } from '../names.ts'
import { CONFIG_FILE } from '../program.ts'
import { emitPrometheus } from '../prometheus/index.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml } from '../yaml.ts'
import { BROKER, MOUNTED_SECRETS, SECRETS, SECRETS_FOLDER, services, volumes } from './stack.ts'

const FILE = 'compose.yaml'
const PREPARE = 'prepare.sh'

const stack = (settings: EmitSettings) => ({
  services: services(settings),
  volumes: Object.fromEntries(volumes(settings).map(name => [name, {}])),
  secrets: Object.fromEntries(SECRETS.map(({ name }) => [name, { file: `./${SECRETS_FOLDER}/${name}` }])),
})

const composeFile = (settings: EmitSettings): string =>
  toYaml(
    header(
      settings,
      [
        'Celeriac, the example service that it watches, Prometheus, Alertmanager and Grafana.',
        `Images of ours are built from the source: docker build -t ${celeriacImage(settings)} . && docker build -t ${reportsImage(settings)} examples/reports`,
        `Only this host reaches it: Celeriac at http://127.0.0.1:${PORT}/, Grafana at http://127.0.0.1:3000/ (admin).`,
      ].join('\n'),
      `sh ${PREPARE} && docker compose up -d`,
    ),
    stack(settings),
    [
      [
        ['services', EXAMPLE_REDIS],
        'For trying: it keeps nothing. It is reached by name within the stack, and from nowhere else.',
      ],
      [
        ['services', EXAMPLE_API],
        'Orders reports: curl -s localhost:8000/reports -H "content-type: application/json" -d \'{"account": "acme-1"}\'',
      ],
      [
        ['services', EXAMPLE_WORKER],
        'Has no health check: whether workers work is what Celeriac tells. More of them: --scale',
      ],
      [['services', NAME, 'healthcheck'], 'Says nothing of the broker: its outage restarts nobody.'],
      [['services', 'alertmanager', 'secrets'], 'Files, so that no configuration holds them.'],
    ],
  )

const prepareScript = (settings: EmitSettings): string => `#!/bin/sh
${header(
  settings,
  `Makes the files of ${SECRETS_FOLDER}/ that are not there yet. Replace what is in them; nothing else holds a secret.`,
  `sh ${PREPARE}`,
)
  .split('\n')
  .map(line => `# ${line}`)
  .join('\n')}
set -eu
cd "$(dirname "$0")"
# Only you may look into the folder; the files are read by users of containers, who come by a mount of their own.
mkdir -p -m 0700 ${SECRETS_FOLDER}
begin() {
  [ -e "${SECRETS_FOLDER}/$1" ] || { cat > "${SECRETS_FOLDER}/$1"; chmod 0644 "${SECRETS_FOLDER}/$1"; echo "${SECRETS_FOLDER}/$1: $2"; }
}
${SECRETS.map(({ name, begin, of }) => `${begin} | begin ${name} ${JSON.stringify(of)}`).join('\n')}
`

/** What of the program's configuration holds in the stack: its broker is the stack's, and Alertmanager is who tells people. */
const configFile = (settings: EmitSettings): string => {
  const kept = Object.entries(settings.program).filter(
    ([key]) => !['brokers', 'queues', 'scrape', 'notify', 'externalUrl'].includes(key),
  )
  return toYaml(
    header(
      settings,
      'The configuration of Celeriac in the stack. It has no receivers: Alertmanager tells people, and nobody wants to be told twice.',
    ),
    { brokers: [{ name: 'default', url: BROKER }], ...Object.fromEntries(kept) },
  )
}

export function emitCompose(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const inside: EmitSettings = {
    ...settings,
    externalUrl: `http://127.0.0.1:${PORT}`,
    scrape: `${NAME}:${PORT}`,
    alertmanager: 'alertmanager:9093',
    prometheus: 'http://prometheus:9090',
    secrets: MOUNTED_SECRETS,
  }
  const prometheus = emitPrometheus(inside).filter(
    ({ path }) => path === 'prometheus.yml' || ruleFiles(inside).some(rule => rule.path === path),
  )
  const alertmanager = alertmanagerTarget.files(inside).filter(({ path }) => path === 'alertmanager.yml')
  const below = (folder: string, files: readonly EmittedFile[]): readonly EmittedFile[] =>
    files.map(file => ({ ...file, path: `${folder}/${file.path}` }))
  return [
    { path: FILE, content: composeFile(settings) },
    { path: PREPARE, content: prepareScript(settings), executable: true },
    { path: `celeriac/${CONFIG_FILE}`, content: configFile(settings) },
    ...below('prometheus', prometheus),
    ...below('alertmanager', alertmanager),
    ...below('grafana', [datasourceFile(inside), dashboardProvider(inside)]),
    ...below('grafana/dashboards', dashboardFiles(inside)),
  ]
}

export const composeTarget: Target = {
  name: 'compose',
  description: 'a stack to try: Celeriac, the example service, Prometheus, Alertmanager and Grafana',
  uses: ['config', 'datasource', 'pagerdutyUrl', 'watchdogUrl'],
  files: emitCompose,
  print: settings => composeFile(settings),
}
