/** The chart's values, their notes and their schema: one table, so that none of the three can lack what another has. */
import { formatDuration } from '../../base/index.ts'
import { SIDECAR_LABEL } from '../grafana/index.ts'
import { REPOSITORY } from '../images.ts'
import { CLIENT_NAMESPACES, CONFINED, POD_SECURITY, PROBES, RESOURCES } from '../kubernetes/celeriac.ts'
import { NAME, PORT } from '../names.ts'
import { DEFAULT_RELEASE, RELEASE_LABEL } from '../operator/objects.ts'
import { CONTAINER, programConfig } from '../program.ts'
import type { EmitSettings } from '../settings.ts'
import type { YamlNote } from '../yaml.ts'

type Schema = Readonly<Record<string, unknown>>

/** A value: its default, the schema of what may stand there, and what it is for. A group has values of its own. */
interface Value {
  readonly value: unknown
  readonly schema: Schema
  readonly note?: string
}
interface Group {
  readonly group: Readonly<Record<string, Value>>
  readonly note?: string
}

const text = (value: string, note?: string, more: Schema = {}): Value => ({
  value,
  schema: { type: 'string', ...more },
  ...(note !== undefined && { note }),
})
const flag = (value: boolean, note?: string): Value => ({
  value,
  schema: { type: 'boolean' },
  ...(note !== undefined && { note }),
})
const object = (value: Schema, note?: string): Value => ({
  value,
  schema: { type: 'object' },
  ...(note !== undefined && { note }),
})
const texts = (value: Readonly<Record<string, string>>, note?: string): Value => ({
  value,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  ...(note !== undefined && { note }),
})
const objects = (note?: string): Value => ({
  value: [],
  schema: { type: 'array', items: { type: 'object' } },
  ...(note !== undefined && { note }),
})
const port = (value: number, note?: string): Value => ({
  value,
  schema: { type: 'integer', minimum: 1, maximum: 65_535 },
  ...(note !== undefined && { note }),
})

const DURATION = { pattern: '^([0-9]+(ms|s|m|h|d))+$' }
const NAMESPACE = 'Another namespace for these objects.'
const RELEASE_NOTE =
  'The Helm release of kube-prometheus-stack, whose Prometheus takes no other objects: helm list -A tells its name.'

const release = ({ labels }: EmitSettings): Readonly<Record<string, string>> => ({
  [RELEASE_LABEL]: labels[RELEASE_LABEL] ?? DEFAULT_RELEASE,
})

const table = (settings: EmitSettings): Readonly<Record<string, Value | Group>> => ({
  fullnameOverride: text('', 'The name of every object; by default made of the release and the chart.'),
  commonLabels: texts(settings.labels, 'Labels of every object.'),
  image: {
    note: 'Built from the Dockerfile of Celeriac; put your registry in front of it.',
    group: {
      repository: text(REPOSITORY, undefined, { minLength: 1 }),
      tag: text('', "By default the chart's appVersion; latest is refused, since it moves.", {
        pattern: '^[A-Za-z0-9_.-]*$',
        not: { const: 'latest' },
      }),
      digest: text('', 'Wins over the tag.', { pattern: '^(sha256:[0-9a-f]{64})?$' }),
      pullPolicy: text('IfNotPresent', undefined, { enum: ['Always', 'IfNotPresent', 'Never'] }),
      pullSecrets: objects(),
    },
  },
  config: object(
    programConfig(settings, CONTAINER.secrets).data,
    [
      'The configuration of Celeriac: docs/configuration.md. It is checked when Celeriac starts.',
      'Limits of alerts for Prometheus and for dashboards are those with which this chart was emitted.',
    ].join('\n'),
  ),
  existingSecret: text(
    NAME,
    `The Secret whose keys are the files of ${CONTAINER.secrets} that the configuration names. The chart makes none: values are no place for secrets.`,
    { minLength: 1 },
  ),
  logLevel: text('info', undefined, { enum: ['debug', 'info', 'warn', 'error'] }),
  extraEnv: objects('More variables, as in a container: docs/configuration.md.'),
  extraEnvFrom: objects(),
  extraVolumes: objects('Certificates of brokers, for example.'),
  extraVolumeMounts: objects(),
  containerPort: port(PORT),
  service: {
    group: {
      type: text('ClusterIP', undefined, { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] }),
      port: port(PORT),
      annotations: texts({}),
    },
  },
  serviceAccount: {
    group: {
      create: flag(true),
      name: text(''),
      annotations: texts({}),
    },
  },
  ...(settings.dataFolder === undefined
    ? {}
    : {
        persistence: {
          note: 'The data directory: samples, alerts and silences outlive the pod.',
          group: {
            enabled: flag(true),
            existingClaim: text(''),
            storageClass: text(''),
            accessModes: {
              value: ['ReadWriteOnce'],
              schema: { type: 'array', items: { type: 'string' }, minItems: 1 },
            },
            size: text('10Gi', undefined, { pattern: '^[0-9]+([KMGTP]i?)?$' }),
          },
        } satisfies Group,
      }),
  resources: object(RESOURCES, 'Memory for 256 MiB of samples (storeBytes) and the process around them.'),
  startupProbe: object(PROBES.startupProbe),
  livenessProbe: object(PROBES.livenessProbe),
  readinessProbe: object(PROBES.readinessProbe),
  podSecurityContext: object(POD_SECURITY),
  securityContext: object(CONFINED),
  terminationGracePeriodSeconds: { value: 30, schema: { type: 'integer', minimum: 1 } },
  podLabels: texts({}),
  podAnnotations: texts({}),
  priorityClassName: text(''),
  nodeSelector: texts({}),
  affinity: object({}),
  tolerations: objects(),
  networkPolicy: {
    group: {
      enabled: flag(true),
      fromNamespaces: {
        value: CLIENT_NAMESPACES,
        schema: { type: 'array', items: { type: 'string' } },
        note: 'Namespaces whose pods may connect besides those of its own.',
      },
      extraFrom: objects('More peers, such as your ingress controller.'),
      egressPorts: {
        value: settings.egressPorts,
        schema: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 } },
        note: 'Ports of brokers, receivers and scrape targets.',
      },
    },
  },
  podDisruptionBudget: {
    note: 'With one replica it can only slow down the draining of a node: maxUnavailable 0 forbids it.',
    group: {
      enabled: flag(false),
      maxUnavailable: { value: 1, schema: { type: ['integer', 'string'] } },
    },
  },
  serviceMonitor: {
    note: 'For Prometheus Operator.',
    group: {
      enabled: flag(false),
      additionalLabels: texts(release(settings), RELEASE_NOTE),
      namespace: text('', NAMESPACE),
      interval: text(formatDuration(settings.intervalMs), undefined, DURATION),
      scrapeTimeout: text('', undefined, { pattern: '^([0-9]+(ms|s|m))?$' }),
      honorLabels: flag(true),
      relabelings: objects(),
      metricRelabelings: objects(),
    },
  },
  prometheusRule: {
    note: 'Recorded series, alerts on Celery fleets, and alerts on Celeriac itself.',
    group: {
      enabled: flag(false),
      additionalLabels: texts(release(settings), RELEASE_NOTE),
      namespace: text('', NAMESPACE),
    },
  },
  grafanaDashboards: {
    note: "ConfigMaps that the sidecar of Grafana's chart loads.",
    group: {
      enabled: flag(false),
      labels: texts(SIDECAR_LABEL, 'What the sidecar looks for.'),
      annotations: texts({}),
      namespace: text('', NAMESPACE),
    },
  },
})

const isGroup = (entry: Value | Group): entry is Group => 'group' in entry

/** `values.yaml` as data. */
export const chartValues = (settings: EmitSettings): Schema =>
  Object.fromEntries(
    Object.entries(table(settings)).map(([name, entry]) => [
      name,
      isGroup(entry)
        ? Object.fromEntries(Object.entries(entry.group).map(([key, { value }]) => [key, value]))
        : entry.value,
    ]),
  )

/** What stands above its entries. */
export const valueNotes = (settings: EmitSettings): readonly YamlNote[] =>
  Object.entries(table(settings)).flatMap(([name, entry]): YamlNote[] => [
    ...(entry.note === undefined ? [] : [[[name], entry.note] as const]),
    ...(isGroup(entry)
      ? Object.entries(entry.group).flatMap(([key, { note }]): YamlNote[] =>
          note === undefined ? [] : [[[name, key], note]],
        )
      : []),
  ])

const strict = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
})

const described = ({ schema, note }: Value): Schema =>
  note === undefined ? schema : { ...schema, description: note }

/** `values.schema.json`: what Helm refuses. `global` is what a parent chart may hand down. */
export const valuesSchema = (settings: EmitSettings): Schema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of the chart celeriac',
  ...strict({
    global: { type: 'object' },
    ...Object.fromEntries(
      Object.entries(table(settings)).map(([name, entry]) => [
        name,
        isGroup(entry)
          ? {
              ...strict(
                Object.fromEntries(
                  Object.entries(entry.group).map(([key, value]) => [key, described(value)]),
                ),
              ),
              ...(entry.note !== undefined && { description: entry.note }),
            }
          : described(entry),
      ]),
    ),
  }),
  required: ['config', 'existingSecret', 'image'],
})
