/** What targets are emitted with: the catalog with config laid over it, and what the options of the command line say. */
import { MINUTE, SECOND } from '../base/index.ts'
import {
  CLOUDWATCH_NAMESPACE,
  type ConfiguredAlert,
  configureAlerts,
  DEFAULT_EXTERNAL_URL,
  RULE_INTERVAL_MS,
} from '../catalog/index.ts'
import { POD_LABELS, PORT } from './names.ts'

export interface EmitSettings {
  readonly alerts: readonly ConfiguredAlert[]
  /** How often rules are evaluated. */
  readonly intervalMs: number
  /** Where people reach Celeriac: runbook links begin with it. */
  readonly externalUrl: string
  /** Named in the first comment of every file. */
  readonly command: string
  /** Of every Kubernetes object, besides those by which objects find each other. */
  readonly labels: Readonly<Record<string, string>>
  /** Of every Kubernetes object. */
  readonly namespace: string
  /** Labels of the pods that a target selects. */
  readonly selector: Readonly<Record<string, string>>
  /** The uid of Grafana's data source; undefined lets each dashboard choose. */
  readonly datasource: string | undefined
  /** Where Prometheus reaches Celeriac, `host:port`. */
  readonly scrape: string
  /** Where Grafana reaches Prometheus. */
  readonly prometheus: string
  /** Where Prometheus reaches Alertmanager, `host:port`. */
  readonly alertmanager: string
  /** The folder in which Alertmanager finds its secrets as files. */
  readonly secrets: string
  /** The Events API v2 of the PagerDuty region; undefined is PagerDuty's default. */
  readonly pagerdutyUrl: string | undefined
  /** What calls when the watchdog stops coming; undefined sends it nowhere. */
  readonly watchdogUrl: string | undefined
  /** The program's own version: the tag of its image. */
  readonly version: string
  /** The configuration of the program in the shape of its file, each secret a `Secret`. */
  readonly program: Readonly<Record<string, unknown>>
  /** Where its brokers and receivers listen: the ports that a policy must let it reach. */
  readonly egressPorts: readonly number[]
  /** The variable that names the data directory; undefined while the program keeps everything in memory. */
  readonly dataFolder: string | undefined
  /** The namespace of CloudWatch in which Celeriac publishes. */
  readonly cloudwatchNamespace: string
  readonly groupWaitMs: number
  readonly groupIntervalMs: number
  readonly repeatIntervalMs: number
}

/** Fills in the defaults. */
export const emitSettings = (given: Partial<EmitSettings> = {}): EmitSettings => ({
  alerts: given.alerts ?? configureAlerts(),
  intervalMs: RULE_INTERVAL_MS,
  externalUrl: DEFAULT_EXTERNAL_URL,
  command: 'npm run emit',
  labels: {},
  namespace: 'celeriac',
  selector: POD_LABELS,
  datasource: undefined,
  scrape: `127.0.0.1:${PORT}`,
  prometheus: 'http://127.0.0.1:9090',
  alertmanager: '127.0.0.1:9093',
  secrets: '/etc/alertmanager/secrets',
  pagerdutyUrl: undefined,
  watchdogUrl: undefined,
  version: '0.0.0',
  program: {},
  egressPorts: [443, 6379],
  dataFolder: undefined,
  cloudwatchNamespace: CLOUDWATCH_NAMESPACE,
  groupWaitMs: 30 * SECOND,
  groupIntervalMs: 5 * MINUTE,
  repeatIntervalMs: 240 * MINUTE,
  ...given,
})
