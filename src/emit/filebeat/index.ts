/** Logs of the API, the workers and Celeriac into Elasticsearch: a DaemonSet with all that it needs (guide-flaws 79 to 84). */
import type { EmittedFile } from '../file.ts'
import { EXAMPLE_API, EXAMPLE_WORKER } from '../example.ts'
import { header } from '../header.ts'
import { IMAGES } from '../images.ts'
import type { KubernetesObject } from '../kubernetes-object.ts'
import { NAME, NAME_LABEL } from '../names.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, type YamlNote, yamlStream } from '../yaml.ts'
import { templates } from './inputs.ts'

const AGENT = `${NAME}-filebeat`
const CONFIG_FILE = 'filebeat.yml'
const ETC = '/etc/filebeat'
const CERTIFICATES = '/etc/filebeat-certificates'

const settingsOfBeat = {
  filebeat: {
    autodiscover: {
      providers: [{ type: 'kubernetes', node: '${NODE_NAME}', templates }],
    },
  },
  processors: [
    { add_host_metadata: {} },
    { drop_fields: { fields: ['log.offset', 'stream'], ignore_missing: true } },
  ],
  output: {
    elasticsearch: {
      hosts: ['${ELASTICSEARCH_URL:https://elasticsearch:9200}'],
      api_key: '${ELASTICSEARCH_API_KEY}',
      ssl: {
        certificate_authorities: [`${CERTIFICATES}/ca.crt`],
        verification_mode: 'full',
      },
    },
  },
  logging: { level: 'info', to_stderr: true, metrics: { enabled: false } },
}

const BEAT_NOTES: readonly YamlNote[] = [
  [['filebeat', 'autodiscover', 'providers', 0, 'node'], 'Each agent reads the logs of its own node.'],
  [
    ['filebeat', 'autodiscover', 'providers', 0, 'templates', 0],
    `Celeriac: JSON in names of ECS. Pods are found by their label ${NAME_LABEL}.`,
  ],
  [
    ['filebeat', 'autodiscover', 'providers', 0, 'templates', 1],
    `${EXAMPLE_API} and ${EXAMPLE_WORKER}: JSON of structlog; correlation and task id become labels.correlation_id and labels.task_id.`,
  ],
  [
    ['filebeat', 'autodiscover', 'providers', 0, 'templates', 1, 'config', 0, 'id'],
    'An id of its own for each container: without it lines would be read twice.',
  ],
  [
    ['filebeat', 'autodiscover', 'providers', 0, 'templates', 1, 'config', 0, 'parsers', 1],
    'A traceback is one event. Lines of JSON are one each.',
  ],
  [['output', 'elasticsearch', 'hosts'], 'https: with http the key would cross the network in clear.'],
]

/** filebeat.yml as text. */
export const beatConfig = (): string =>
  toYaml('Filebeat reads it at start; ${…} are variables of its DaemonSet.', settingsOfBeat, BEAT_NOTES)

const labels = { [NAME_LABEL]: AGENT }

/** Agents read files of their node, which the namespace of Celeriac forbids; a namespace that was named is taken as it is. */
const ownNamespace = ({ namespace }: EmitSettings): boolean => namespace === NAME
const namespaceOf = (settings: EmitSettings): string => (ownNamespace(settings) ? AGENT : settings.namespace)

const meta = (settings: EmitSettings, namespaced = true): KubernetesObject['metadata'] => ({
  name: AGENT,
  ...(namespaced && { namespace: namespaceOf(settings) }),
  labels: { ...settings.labels, ...labels },
})

const fromSecret = (name: string, key: string, optional: boolean) => ({
  name,
  valueFrom: { secretKeyRef: { name: AGENT, key, ...(optional && { optional }) } },
})

const daemonSet = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: meta(settings),
  spec: {
    selector: { matchLabels: labels },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    template: {
      metadata: { labels: meta(settings).labels },
      spec: {
        serviceAccountName: AGENT,
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: AGENT,
            image: IMAGES.filebeat,
            args: ['-c', `${ETC}/${CONFIG_FILE}`, '-e', '--path.data=/var/lib/filebeat'],
            env: [
              { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
              fromSecret('ELASTICSEARCH_URL', 'url', true),
              fromSecret('ELASTICSEARCH_API_KEY', 'api-key', false),
            ],
            resources: {
              requests: { cpu: '50m', memory: '128Mi' },
              limits: { cpu: '500m', memory: '256Mi' },
            },
            securityContext: {
              runAsUser: 0,
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            volumeMounts: [
              { name: 'config', mountPath: ETC, readOnly: true },
              { name: 'certificates', mountPath: CERTIFICATES, readOnly: true },
              { name: 'data', mountPath: '/var/lib/filebeat' },
              { name: 'logs', mountPath: '/var/log', readOnly: true },
            ],
          },
        ],
        volumes: [
          { name: 'config', configMap: { name: AGENT, defaultMode: 0o440 } },
          {
            name: 'certificates',
            secret: { secretName: AGENT, items: [{ key: 'ca.crt', path: 'ca.crt' }], defaultMode: 0o440 },
          },
          { name: 'data', hostPath: { path: `/var/lib/${AGENT}`, type: 'DirectoryOrCreate' } },
          { name: 'logs', hostPath: { path: '/var/log', type: 'Directory' } },
        ],
      },
    },
  },
})

const pod = (...rest: readonly (string | number)[]): readonly (string | number)[] => [
  'spec',
  'template',
  'spec',
  ...rest,
]

const documents = (settings: EmitSettings): readonly string[] => [
  ...(ownNamespace(settings)
    ? [
        toYaml(
          'Agents run as root and read files of their node: not in the namespace of Celeriac, which forbids it.',
          {
            apiVersion: 'v1',
            kind: 'Namespace',
            metadata: {
              name: AGENT,
              labels: { ...meta(settings).labels, 'pod-security.kubernetes.io/enforce': 'privileged' },
            },
          },
        ),
      ]
    : []),
  toYaml('What each agent may ask the Kubernetes API: whose container it is.', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: meta(settings),
  }),
  toYaml('Read only.', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: meta(settings, false),
    rules: [
      { apiGroups: [''], resources: ['namespaces', 'nodes', 'pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch'] },
    ],
  }),
  toYaml('The role for the account.', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: meta(settings, false),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: AGENT },
    subjects: [{ kind: 'ServiceAccount', name: AGENT, namespace: namespaceOf(settings) }],
  }),
  toYaml('The same as filebeat.yml beside this file.', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: meta(settings),
    data: { [CONFIG_FILE]: beatConfig() },
  }),
  toYaml('One agent a node.', daemonSet(settings), [
    [pod('containers', 0, 'env', 0), 'The node whose logs it reads; filebeat.yml asks for it by this name.'],
    [
      pod('containers', 0, 'securityContext'),
      'Logs of containers belong to root of the node; it may read them, and nothing more.',
    ],
    [pod('volumes', 2), 'How far each file was read: it outlives the pod.'],
    [
      pod('volumes', 3),
      'Files of /var/log/containers are links into /var/log/pods. With Docker they lead on into /var/lib/docker/containers: mount that as well.',
    ],
  ]),
]

export function emitFilebeat(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const secret = [
    `It reads the Secret ${AGENT}: api-key, the certificate of Elasticsearch's authority (ca.crt), and url unless it is https://elasticsearch:9200:`,
    `kubectl -n ${namespaceOf(settings)} create secret generic ${AGENT} --from-file=api-key --from-file=ca.crt --from-literal=url=https://HOST:9200`,
  ].join('\n')
  const head = header(
    settings,
    `Collects the logs of Celeriac, ${EXAMPLE_API} and ${EXAMPLE_WORKER} on every node, and hands them to Elasticsearch.\n${secret}`,
    'kubectl apply -f daemonset.yaml',
  )
  return [
    {
      path: 'daemonset.yaml',
      content: `${head
        .split('\n')
        .map(line => `# ${line}\n`)
        .join('')}\n${yamlStream(documents(settings))}`,
    },
    {
      path: CONFIG_FILE,
      content: toYaml(
        header(
          settings,
          'The configuration of Filebeat; daemonset.yaml has it in a ConfigMap.',
          `filebeat -c ${CONFIG_FILE}`,
        ),
        settingsOfBeat,
        BEAT_NOTES,
      ),
    },
  ]
}

export const filebeatTarget: Target = {
  name: 'filebeat',
  description: 'logs into Elasticsearch: a DaemonSet of Filebeat with its rights and its configuration',
  uses: ['namespace', 'label'],
  files: emitFilebeat,
  print: settings => emitFilebeat(settings)[0]?.content ?? '',
}
