/** The example service as Kubernetes objects: Redis, the API and the workers, each under its one name. */
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
  workloadLabels,
} from '../example.ts'
import { IMAGES, reportsImage } from '../images.ts'
import type { KubernetesObject } from '../kubernetes-object.ts'
import type { EmitSettings } from '../settings.ts'
import { CONFINED, POD_SECURITY } from './celeriac.ts'

const meta = (settings: EmitSettings, name: string): KubernetesObject['metadata'] => ({
  name,
  namespace: settings.namespace,
  labels: { ...settings.labels, ...workloadLabels(name), 'app.kubernetes.io/part-of': EXAMPLE },
})

interface Workload {
  readonly name: string
  readonly replicas: number
  readonly container: Readonly<Record<string, unknown>>
  readonly volumes: readonly Readonly<Record<string, unknown>>[]
  readonly pod?: Readonly<Record<string, unknown>>
}

const deployment = (
  settings: EmitSettings,
  { name, replicas, container, volumes, pod = {} }: Workload,
): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: meta(settings, name),
  spec: {
    replicas,
    selector: { matchLabels: workloadLabels(name) },
    template: {
      metadata: { labels: meta(settings, name).labels },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: POD_SECURITY,
        ...pod,
        containers: [{ name, imagePullPolicy: 'IfNotPresent', ...container, securityContext: CONFINED }],
        volumes,
      },
    },
  },
})

const service = (settings: EmitSettings, name: string, port: number, portName: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(settings, name),
  spec: {
    selector: workloadLabels(name),
    ports: [{ name: portName, port, targetPort: portName, protocol: 'TCP' }],
  },
})

const ENVIRONMENT = [
  { name: 'CELERY_BROKER_URL', value: `redis://${EXAMPLE_REDIS}:6379/0` },
  { name: 'REPORTS_DIR', value: EXAMPLE_FILES },
]

const FILES = { name: 'reports', mountPath: EXAMPLE_FILES }
const TMP = { name: 'tmp', mountPath: '/tmp' }

const sharedVolumes = [
  { name: 'reports', persistentVolumeClaim: { claimName: EXAMPLE } },
  { name: 'tmp', emptyDir: {} },
]

const probe = (path: string) => ({
  httpGet: { path, port: 'http' },
  periodSeconds: 10,
  timeoutSeconds: 3,
  failureThreshold: 3,
})

/** Everything of the example, in the order in which it is created. */
export const exampleObjects = (settings: EmitSettings): readonly KubernetesObject[] => [
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta(settings, EXAMPLE),
    // The API hands out what workers on other nodes wrote.
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } },
  },
  deployment(settings, {
    name: EXAMPLE_REDIS,
    replicas: 1,
    container: {
      image: IMAGES.redis,
      args: ['redis-server', '--save', '', '--maxmemory', '200mb', '--maxmemory-policy', 'noeviction'],
      ports: [{ name: 'redis', containerPort: 6379, protocol: 'TCP' }],
      readinessProbe: { tcpSocket: { port: 'redis' }, periodSeconds: 5 },
      resources: {
        requests: { cpu: '50m', memory: '64Mi' },
        limits: { cpu: '500m', memory: '256Mi' },
      },
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    },
    volumes: [{ name: 'data', emptyDir: {} }],
  }),
  service(settings, EXAMPLE_REDIS, 6379, 'redis'),
  deployment(settings, {
    name: EXAMPLE_API,
    replicas: 2,
    container: {
      image: reportsImage(settings),
      args: API_COMMAND,
      env: ENVIRONMENT,
      ports: [{ name: 'http', containerPort: EXAMPLE_API_PORT, protocol: 'TCP' }],
      livenessProbe: probe('/health'),
      readinessProbe: probe('/ready'),
      resources: {
        requests: { cpu: '100m', memory: '128Mi' },
        limits: { cpu: '1', memory: '256Mi' },
      },
      volumeMounts: [FILES, TMP],
    },
    volumes: sharedVolumes,
  }),
  service(settings, EXAMPLE_API, EXAMPLE_API_PORT, 'http'),
  deployment(settings, {
    name: EXAMPLE_WORKER,
    replicas: 2,
    // A worker that is told to stop finishes what it has begun.
    pod: { terminationGracePeriodSeconds: EXAMPLE_TASK_SECONDS + 30 },
    container: {
      image: reportsImage(settings),
      args: WORKER_COMMAND,
      env: ENVIRONMENT,
      // No liveness probe: a worker that is alive and does nothing is what Celeriac tells, and a restart would end its tasks.
      resources: {
        requests: { cpu: '200m', memory: '192Mi' },
        limits: { cpu: '1', memory: '384Mi' },
      },
      volumeMounts: [FILES, TMP],
    },
    volumes: sharedVolumes,
  }),
]
