/** The services of the stack (Compose specification; read by Docker Compose 2 and by docker-compose 1.29). */
import { SECRET_KEYS } from '../alertmanager/routing.ts'
import {
  API_COMMAND,
  EXAMPLE,
  EXAMPLE_API,
  EXAMPLE_API_PORT,
  EXAMPLE_FILES,
  EXAMPLE_REDIS,
  EXAMPLE_TASK_SECONDS,
  EXAMPLE_WORKER,
  WORKER_COMMAND,
} from '../example.ts'
import { celeriacImage, IMAGES, reportsImage } from '../images.ts'
import { LIVENESS_PATH } from '../kubernetes/celeriac.ts'
import { NAME, PORT } from '../names.ts'
import { CONFIG_FILE, CONTAINER, containerVariables, USER_ID } from '../program.ts'
import { DASHBOARDS_FOLDER } from '../grafana/index.ts'
import type { EmitSettings } from '../settings.ts'

export const SECRETS_FOLDER = 'secrets'

/** Where Compose puts secrets in a container. */
export const MOUNTED_SECRETS = '/run/secrets'

export const BROKER = `redis://${EXAMPLE_REDIS}:6379/0`

export const GRAFANA_PASSWORD = 'grafana-admin-password'

/** Files that must be there before the stack starts, and what makes a value to begin with. */
export const SECRETS: readonly { readonly name: string; readonly begin: string; readonly of: string }[] = [
  {
    name: SECRET_KEYS.slack,
    begin: "printf 'https://hooks.slack.com/services/REPLACE/ME'",
    of: 'an incoming webhook of Slack',
  },
  {
    name: SECRET_KEYS.pagerduty,
    begin: "printf 'REPLACE-ME'",
    of: 'the integration key of a PagerDuty service (Events API v2)',
  },
  {
    name: GRAFANA_PASSWORD,
    begin: "head -c 24 /dev/urandom | base64 | tr -d '\\n'",
    of: 'the password of the user admin in Grafana',
  },
]

/** Of every container: nothing to gain by breaking in, and logs that do not fill the disk. */
const CONFINED = {
  restart: 'unless-stopped',
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
}

const own = { user: `${USER_ID}:${USER_ID}`, tmpfs: ['/tmp'] }

const health = (test: readonly string[], interval = '10s') => ({
  test,
  interval,
  timeout: '5s',
  retries: 5,
  start_period: '30s',
})

/** Asks with what busybox has: these images have no curl. */
const wget = (url: string) => health(['CMD', 'wget', '-q', '-O', '/dev/null', url])

const after = (...names: readonly string[]) =>
  Object.fromEntries(names.map(name => [name, { condition: 'service_healthy' }]))

const onThisHost = (port: number): readonly string[] => [`127.0.0.1:${port}:${port}`]

const fetchIn = (url: string) => [
  'CMD',
  'node',
  '-e',
  `fetch(${JSON.stringify(url)}).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))`,
]

const reports = (settings: EmitSettings) => ({
  image: `\${REPORTS_IMAGE:-${reportsImage(settings)}}`,
  environment: { CELERY_BROKER_URL: BROKER, REPORTS_DIR: EXAMPLE_FILES },
  volumes: [`${EXAMPLE}:${EXAMPLE_FILES}`],
  depends_on: after(EXAMPLE_REDIS),
  ...own,
  ...CONFINED,
})

/** Every service, in the order in which they start. */
export const services = (settings: EmitSettings) => ({
  [EXAMPLE_REDIS]: {
    image: IMAGES.redis,
    command: ['redis-server', '--save', '', '--maxmemory', '200mb', '--maxmemory-policy', 'noeviction'],
    healthcheck: health(['CMD', 'redis-cli', 'ping'], '5s'),
    ...own,
    tmpfs: ['/tmp', '/data'],
    mem_limit: '256m',
    ...CONFINED,
  },
  [EXAMPLE_API]: {
    ...reports(settings),
    command: API_COMMAND,
    ports: onThisHost(EXAMPLE_API_PORT),
    healthcheck: health([
      'CMD',
      'python',
      '-c',
      `import urllib.request as r; r.urlopen("http://127.0.0.1:${EXAMPLE_API_PORT}/ready", timeout=3)`,
    ]),
    mem_limit: '256m',
  },
  [EXAMPLE_WORKER]: {
    ...reports(settings),
    command: WORKER_COMMAND,
    stop_grace_period: `${EXAMPLE_TASK_SECONDS + 30}s`,
    mem_limit: '384m',
  },
  [NAME]: {
    image: `\${CELERIAC_IMAGE:-${celeriacImage(settings)}}`,
    environment: containerVariables(settings),
    volumes: [
      `./celeriac/${CONFIG_FILE}:${CONTAINER.config}/${CONFIG_FILE}:ro`,
      ...(settings.dataFolder === undefined ? [] : [`${NAME}:${CONTAINER.data}`]),
    ],
    ports: onThisHost(PORT),
    healthcheck: health(fetchIn(`http://127.0.0.1:${PORT}${LIVENESS_PATH}`)),
    depends_on: after(EXAMPLE_REDIS),
    ...own,
    mem_limit: '768m',
    ...CONFINED,
  },
  prometheus: {
    image: IMAGES.prometheus,
    command: [
      '--config.file=/etc/prometheus/prometheus.yml',
      '--storage.tsdb.path=/prometheus',
      '--storage.tsdb.retention.time=15d',
    ],
    volumes: ['./prometheus:/etc/prometheus:ro', 'prometheus:/prometheus'],
    ports: onThisHost(9090),
    healthcheck: wget('http://127.0.0.1:9090/-/healthy'),
    depends_on: after(NAME, 'alertmanager'),
    mem_limit: '512m',
    ...CONFINED,
  },
  alertmanager: {
    image: IMAGES.alertmanager,
    command: ['--config.file=/etc/alertmanager/alertmanager.yml', '--storage.path=/alertmanager'],
    volumes: ['./alertmanager:/etc/alertmanager:ro', 'alertmanager:/alertmanager'],
    secrets: [SECRET_KEYS.slack, SECRET_KEYS.pagerduty],
    ports: onThisHost(9093),
    healthcheck: wget('http://127.0.0.1:9093/-/healthy'),
    mem_limit: '128m',
    ...CONFINED,
  },
  grafana: {
    image: IMAGES.grafana,
    environment: {
      GF_SECURITY_ADMIN_PASSWORD__FILE: `${MOUNTED_SECRETS}/${GRAFANA_PASSWORD}`,
      GF_USERS_ALLOW_SIGN_UP: 'false',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
    },
    volumes: [
      './grafana/provisioning:/etc/grafana/provisioning:ro',
      'grafana:/var/lib/grafana',
      `./grafana/dashboards:${DASHBOARDS_FOLDER}:ro`,
    ],
    secrets: [GRAFANA_PASSWORD],
    ports: onThisHost(3000),
    healthcheck: wget('http://127.0.0.1:3000/api/health'),
    depends_on: after('prometheus'),
    tmpfs: ['/tmp'],
    mem_limit: '256m',
    ...CONFINED,
  },
})

/** Volumes that outlive containers. */
export const volumes = ({ dataFolder }: EmitSettings): readonly string[] => [
  EXAMPLE,
  ...(dataFolder === undefined ? [] : [NAME]),
  'prometheus',
  'alertmanager',
  'grafana',
]
