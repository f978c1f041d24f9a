/** Workers scaled by what their queue demands (KEDA, scaler "prometheus"; ScaledObject keda.sh/v1alpha1). */
import { formatDuration, MINUTE } from '../../base/index.ts'
import { metrics, numbersFor } from '../../catalog/index.ts'
import { EXAMPLE, EXAMPLE_QUEUE, EXAMPLE_TASK_SECONDS, EXAMPLE_WORKER, workloadLabels } from '../example.ts'
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { type KubernetesObject } from '../kubernetes-object.ts'
import { NAME, PORT } from '../names.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml } from '../yaml.ts'

const FILE = 'scaledobject.yaml'

/** Of all slots, how many should be taken: what is left is there for what comes next. */
const TARGET_LOAD = 0.8

/** The limit of the alert on waiting; a queue is to be scaled before somebody is told. */
const WAIT_ALERT = 'CeleryQueueWaitHigh'
const WAIT_SHARE = 0.5

const MIN_WORKERS = 1
const MAX_WORKERS = 20

/** The broker whose queue it is: the only one of the configuration, else the one called default. */
function brokerName({ program }: EmitSettings): string {
  const brokers = program['brokers']
  const first: unknown = Array.isArray(brokers) && brokers.length === 1 ? brokers[0] : undefined
  return typeof first === 'object' && first !== null && 'name' in first && typeof first.name === 'string'
    ? first.name
    : 'default'
}

/** The two queries. Each is absent, not 0, while its broker is lost: then nothing is scaled. */
export function scalingQueries(settings: EmitSettings): { readonly load: string; readonly wait: string } {
  const queue = `{broker=${JSON.stringify(brokerName(settings))}, queue=${JSON.stringify(EXAMPLE_QUEUE)}}`
  const seen = `and on (broker) (${metrics.brokerUp.name} == 1)`
  return {
    load: `max(${metrics.queueLoad.name}${queue} ${seen})`,
    wait: `max(${metrics.queueOldestTaskAge.name}${queue} ${seen})`,
  }
}

const waitSeconds = ({ alerts }: EmitSettings): number => {
  const alert = alerts.find(each => each.alert.name === WAIT_ALERT)
  const own = alert && numbersFor(alert, new Map([['queue', EXAMPLE_QUEUE]]))
  const limit = own?.threshold ?? alert?.threshold ?? 30
  return Math.max(1, Math.round(limit * WAIT_SHARE))
}

const scaledObject = (settings: EmitSettings): KubernetesObject => {
  const { load, wait } = scalingQueries(settings)
  const trigger = (name: string, query: string, threshold: number) => ({
    type: 'prometheus',
    name,
    metricType: 'Value',
    metadata: {
      serverAddress: `http://${NAME}.${settings.namespace}.svc:${PORT}`,
      query,
      threshold: String(threshold),
      ignoreNullValues: 'false',
    },
  })
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: {
      name: EXAMPLE_WORKER,
      namespace: settings.namespace,
      labels: {
        ...settings.labels,
        ...workloadLabels(EXAMPLE_WORKER),
        'app.kubernetes.io/part-of': EXAMPLE,
      },
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: EXAMPLE_WORKER },
      pollingInterval: 15,
      minReplicaCount: MIN_WORKERS,
      maxReplicaCount: MAX_WORKERS,
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              policies: [
                { type: 'Percent', value: 100, periodSeconds: 60 },
                { type: 'Pods', value: 2, periodSeconds: 60 },
              ],
              selectPolicy: 'Max',
            },
            scaleDown: {
              stabilizationWindowSeconds: EXAMPLE_TASK_SECONDS,
              policies: [{ type: 'Percent', value: 25, periodSeconds: 60 }],
            },
          },
        },
      },
      triggers: [trigger('load', load, TARGET_LOAD), trigger('wait', wait, waitSeconds(settings))],
    },
  }
}

export function emitKeda(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const behavior = ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'behavior']
  return [
    {
      path: FILE,
      content: toYaml(
        header(
          settings,
          [
            `Scales ${EXAMPLE_WORKER}, the workers of the example, by the load and the waiting of their queue ${JSON.stringify(EXAMPLE_QUEUE)}.`,
            'For workers of yours change the name in scaleTargetRef, the queue in both queries and the limits.',
            'KEDA asks Celeriac itself: it answers as a Prometheus does.',
          ].join('\n'),
          `kubectl apply -f ${FILE}`,
        ),
        scaledObject(settings),
        [
          [
            ['spec', 'minReplicaCount'],
            'Not 0: without a worker a queue has no slots, and its load is not known.',
          ],
          [
            [...behavior, 'scaleUp', 'policies'],
            'At most twice as many within a minute: waiting goes on growing until new workers have started.',
          ],
          [
            [...behavior, 'scaleDown', 'stabilizationWindowSeconds'],
            `As long as a task may take (${formatDuration((EXAMPLE_TASK_SECONDS / 60) * MINUTE)}): a worker that stops finishes its task first, and meanwhile takes no other.`,
          ],
          [
            ['spec', 'triggers', 0],
            `Tasks running, reserved and waiting over slots: the workers that are needed are those there are, times load / ${TARGET_LOAD}.`,
          ],
          [
            ['spec', 'triggers', 0, 'metadata', 'ignoreNullValues'],
            'What is not known is no 0: while it is not, the number of workers stays.',
          ],
          [
            ['spec', 'triggers', 1],
            `The oldest task that waits, in seconds; a part (${WAIT_SHARE}) of the limit of ${WAIT_ALERT}. Needs task_send_sent_event.`,
          ],
        ],
      ),
    },
  ]
}

export const kedaTarget: Target = {
  name: 'keda',
  description: 'a ScaledObject that scales workers by load and waiting of their queue',
  uses: ['config', 'namespace', 'label'],
  files: emitKeda,
  print: settings =>
    emitKeda(settings)
      .map(({ content }) => content)
      .join(''),
}
