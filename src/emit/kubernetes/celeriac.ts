/** The objects with which Celeriac runs in a cluster (Kubernetes API reference v1.35). */
import { fingerprint, Labels } from '../../base/index.ts'
import { celeriacImage } from '../images.ts'
import { type KubernetesObject, objectMeta } from '../kubernetes-object.ts'
import { NAME, PORT, PORT_NAME } from '../names.ts'
import {
  CONFIG_FILE,
  CONTAINER,
  containerVariables,
  programConfig,
  type SecretFile,
  USER_ID,
} from '../program.ts'
import type { EmitSettings } from '../settings.ts'
import { toYaml } from '../yaml.ts'

/** Liveness never depends on the broker: its outage must restart nobody (guide-flaw 74). */
export const LIVENESS_PATH = '/livez'
export const READINESS_PATH = '/readyz'

/** Namespaces whose pods may connect besides Celeriac's own: where Prometheus and KEDA usually run. */
export const CLIENT_NAMESPACES = ['keda', 'monitoring'] as const

/** What Kubernetes' restricted Pod Security Standard asks of a container, and a root file system that nobody can change. */
export const CONFINED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const

export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: USER_ID,
  runAsGroup: USER_ID,
  fsGroup: USER_ID,
  seccompProfile: { type: 'RuntimeDefault' },
} as const

/** Memory for 256 MiB of samples (the default of `storeBytes`) and the process around them. */
export const RESOURCES = {
  requests: { cpu: '100m', memory: '256Mi' },
  limits: { cpu: '1', memory: '768Mi' },
} as const

/** How soon a hung process is restarted, and a slow start is not: a start may take two minutes. */
export const PROBES = {
  startupProbe: {
    httpGet: { path: LIVENESS_PATH, port: PORT_NAME },
    periodSeconds: 5,
    timeoutSeconds: 3,
    failureThreshold: 24,
  },
  livenessProbe: {
    httpGet: { path: LIVENESS_PATH, port: PORT_NAME },
    periodSeconds: 10,
    timeoutSeconds: 3,
    failureThreshold: 6,
  },
  readinessProbe: {
    httpGet: { path: READINESS_PATH, port: PORT_NAME },
    periodSeconds: 10,
    timeoutSeconds: 3,
    failureThreshold: 3,
  },
} as const

export const namespaceObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: settings.namespace,
    labels: { ...objectMeta(settings).labels, 'pod-security.kubernetes.io/enforce': 'restricted' },
  },
})

export const serviceAccountObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: objectMeta(settings),
  automountServiceAccountToken: false,
})

/** The configuration file as text: what it says stands in docs/configuration.md. */
export const configText = (settings: EmitSettings): string =>
  toYaml(
    `Configuration of Celeriac. Secrets stand in files below ${CONTAINER.secrets}.`,
    programConfig(settings, CONTAINER.secrets).data,
  )

export const secretFiles = (settings: EmitSettings): readonly SecretFile[] =>
  programConfig(settings, CONTAINER.secrets).secrets

export const configMapObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: objectMeta(settings),
  data: { [CONFIG_FILE]: configText(settings) },
})

export const claimObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: objectMeta(settings),
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
})

export const deploymentObject = (settings: EmitSettings): KubernetesObject => {
  const persistent = settings.dataFolder !== undefined
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: objectMeta(settings),
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      revisionHistoryLimit: 3,
      selector: { matchLabels: settings.selector },
      template: {
        metadata: {
          labels: { ...settings.labels, ...settings.selector },
          annotations: { 'celeriac/config': fingerprint(Labels.from({ config: configText(settings) })) },
        },
        spec: {
          serviceAccountName: NAME,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 30,
          securityContext: POD_SECURITY,
          containers: [
            {
              name: NAME,
              image: celeriacImage(settings),
              imagePullPolicy: 'IfNotPresent',
              env: Object.entries(containerVariables(settings)).map(([name, value]) => ({ name, value })),
              ports: [{ name: PORT_NAME, containerPort: PORT, protocol: 'TCP' }],
              ...PROBES,
              resources: RESOURCES,
              securityContext: CONFINED,
              volumeMounts: [
                { name: 'config', mountPath: CONTAINER.config, readOnly: true },
                { name: 'secrets', mountPath: CONTAINER.secrets, readOnly: true },
                { name: 'tmp', mountPath: '/tmp' },
                ...(persistent ? [{ name: 'data', mountPath: CONTAINER.data }] : []),
              ],
            },
          ],
          volumes: [
            { name: 'config', configMap: { name: NAME } },
            { name: 'secrets', secret: { secretName: NAME, defaultMode: 0o440 } },
            { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
            ...(persistent ? [{ name: 'data', persistentVolumeClaim: { claimName: NAME } }] : []),
          ],
        },
      },
    },
  }
}

export const networkPolicyObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: objectMeta(settings),
  spec: {
    podSelector: { matchLabels: settings.selector },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [
          { podSelector: {} },
          {
            namespaceSelector: {
              matchExpressions: [
                { key: 'kubernetes.io/metadata.name', operator: 'In', values: CLIENT_NAMESPACES },
              ],
            },
          },
        ],
        ports: [{ port: PORT_NAME, protocol: 'TCP' }],
      },
    ],
    egress: [
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
      { ports: settings.egressPorts.map(port => ({ port, protocol: 'TCP' })) },
    ],
  },
})
