/** The dashboard (CloudWatch "Dashboard body structure and syntax"): its metrics and dimensions are those of the table. */
import {
  CLOUDWATCH_INTERVAL_SECONDS,
  type ConfiguredAlert,
  dimensionName,
  type LabelName,
  type PublishedMetric,
} from '../../catalog/index.ts'

/** A metric as a row of texts, or what CloudWatch searches for now. */
export type WidgetRow =
  | readonly [...texts: string[], options: { readonly stat: string; readonly label: string }]
  | readonly [{ readonly expression: string; readonly id: string; readonly label: string }]

export interface Widget {
  readonly type: 'metric'
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly properties: {
    readonly title: string
    readonly view: 'timeSeries'
    readonly region: string
    readonly period: number
    readonly metrics: readonly WidgetRow[]
    readonly yAxis: { readonly left: { readonly min: 0; readonly max?: number } }
    readonly annotations?: {
      readonly horizontal: readonly { readonly label: string; readonly value: number }[]
    }
  }
}

export interface DashboardBody {
  readonly widgets: readonly Widget[]
}

interface Line {
  readonly metric: string
  readonly stat: string
  readonly label: string
  /** Asked for one line for each value of these, besides the broker. */
  readonly each?: LabelName
}

interface Chart {
  readonly title: string
  readonly lines: readonly Line[]
  /** The alert whose limit is drawn. */
  readonly limit?: string
  readonly max?: number
}

/** The guide's eight panels, then what its alerts watch besides. */
const CHARTS: readonly Chart[] = [
  {
    title: 'Queue depth',
    limit: 'CeleryQueueDepthHigh',
    lines: [{ metric: 'QueueDepth', stat: 'Average', label: 'depth', each: 'queue' }],
  },
  {
    title: 'Workers',
    limit: 'CeleryLowRedundancy',
    lines: [{ metric: 'WorkerCount', stat: 'Minimum', label: 'up' }],
  },
  {
    title: 'Worst share of failed runs, by task',
    limit: 'CeleryHighFailureRate',
    max: 1,
    lines: [{ metric: 'TaskFailureRatio', stat: 'Maximum', label: 'worst task' }],
  },
  {
    title: 'Run time',
    lines: ['p50', 'p95', 'p99'].map(stat => ({ metric: 'TaskRuntime', stat, label: stat })),
  },
  {
    title: 'Worker CPU, percent',
    limit: 'WorkerCpuHigh',
    lines: [{ metric: 'WorkerCpu', stat: 'Average', label: 'CPU', each: 'container' }],
  },
  {
    title: 'Worker memory, percent',
    limit: 'WorkerMemoryHigh',
    lines: [{ metric: 'WorkerMemory', stat: 'Maximum', label: 'memory', each: 'container' }],
  },
  {
    title: 'Active tasks',
    lines: [
      { metric: 'ActiveTasks', stat: 'Average', label: 'average' },
      { metric: 'ActiveTasks', stat: 'Maximum', label: 'most' },
    ],
  },
  {
    title: 'Tasks in a minute',
    lines: [
      { metric: 'TasksSucceeded', stat: 'Sum', label: 'succeeded' },
      { metric: 'TasksFailed', stat: 'Sum', label: 'failed' },
      { metric: 'TasksRetried', stat: 'Sum', label: 'retried' },
    ],
  },
  {
    title: 'Waiting before a start, p95 seconds',
    limit: 'CeleryQueueWaitHigh',
    lines: [{ metric: 'QueueWait', stat: 'p95', label: 'p95', each: 'queue' }],
  },
  {
    title: 'Busy slots of workers',
    limit: 'CeleryWorkersSaturated',
    max: 1,
    lines: [{ metric: 'WorkerBusyRatio', stat: 'Average', label: 'busy' }],
  },
  {
    title: 'Redis',
    max: 1,
    lines: [
      { metric: 'RedisMemoryRatio', stat: 'Average', label: 'memory' },
      { metric: 'RedisConnectionsRatio', stat: 'Maximum', label: 'connections' },
    ],
  },
  { title: 'Broker connected', max: 1, lines: [{ metric: 'BrokerUp', stat: 'Minimum', label: 'connected' }] },
]

const WIDTH = 8
const HEIGHT = 6
const COLUMNS = 3

/** Throws when a line asks for what the table does not have: it would be an empty widget. */
export function dashboardBody(given: {
  readonly namespace: string
  readonly published: readonly PublishedMetric[]
  readonly brokers: readonly string[]
  readonly alerts: readonly ConfiguredAlert[]
  readonly region: string
}): DashboardBody {
  const { namespace, published, brokers, alerts, region } = given
  return {
    widgets: CHARTS.map(({ title, lines, limit, max }, i) => {
      const watching = alerts.find(({ alert }) => alert.name === limit)
      const rows = brokers.flatMap((broker, b) =>
        lines.map((line, l) =>
          row(line, { namespace, published, broker, id: `e${b}x${l}`, many: brokers.length > 1 }),
        ),
      )
      return {
        type: 'metric',
        x: (i % COLUMNS) * WIDTH,
        y: Math.floor(i / COLUMNS) * HEIGHT,
        width: WIDTH,
        height: HEIGHT,
        properties: {
          title,
          view: 'timeSeries',
          region,
          period: CLOUDWATCH_INTERVAL_SECONDS,
          metrics: rows,
          yAxis: { left: { min: 0, ...(max === undefined ? {} : { max }) } },
          ...(watching === undefined
            ? {}
            : { annotations: { horizontal: [{ label: watching.alert.name, value: watching.threshold }] } }),
        },
      }
    }),
  }
}

function row(
  { metric, stat, label, each }: Line,
  of: {
    readonly namespace: string
    readonly published: readonly PublishedMetric[]
    readonly broker: string
    readonly id: string
    readonly many: boolean
  },
): WidgetRow {
  const labels: readonly LabelName[] = each === undefined ? ['broker'] : ['broker', each]
  const entry = of.published.find(({ name }) => name === metric)
  if (
    entry?.statistics.includes(stat) !== true ||
    !entry.dimensionSets.some(set => set.length === labels.length && set.every(name => labels.includes(name)))
  )
    throw new Error(`${metric} is not published by ${labels.join(', ')} with a ${stat}.`)
  const shown = of.many ? `${of.broker} ${label}` : label
  const broker = dimensionName('broker')
  if (each === undefined) return [of.namespace, metric, broker, of.broker, { stat, label: shown }]
  const schema = [of.namespace, ...labels.map(dimensionName)].join(',')
  return [
    {
      expression: `SEARCH('{${schema}} MetricName="${metric}" ${broker}="${of.broker}"', '${stat}', ${CLOUDWATCH_INTERVAL_SECONDS})`,
      id: of.id,
      label: `\${PROP('Dim.${dimensionName(each)}')}${of.many ? ` ${of.broker}` : ''}`,
    },
  ]
}
