/** The five dashboards: which panels stand on each, in which rows, and by which labels they can be narrowed. */
import type { LabelName } from './metrics.ts'
import { type Panel, type PanelQuery, panels } from './panels/index.ts'
import { mapSelectors } from './selectors.ts'
import type { Expr } from './spec.ts'

export interface DashboardRow {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  /** Names its file, its address and its identity. */
  readonly slug: string
  readonly title: string
  readonly description: string
  /** Labels that a reader may choose values of, in the order in which one narrows the next. */
  readonly variables: readonly LabelName[]
  readonly rows: readonly DashboardRow[]
}

const row = (title: string, ...of: readonly Panel[]): DashboardRow => ({ title, panels: of })

export const dashboards: readonly Dashboard[] = [
  {
    slug: 'celery-overview',
    title: 'Celery / Overview',
    description: 'Is work done in time, is it done well, are there workers: the fleet on one page.',
    variables: ['broker', 'queue'],
    rows: [
      row(
        'Now',
        panels.oldestMessage,
        panels.waiting,
        panels.taskRate,
        panels.failureRatioNow,
        panels.runtimeP95,
        panels.workersOnline,
      ),
      row('Work', panels.waitingByQueue, panels.waitByQueue, panels.completedFailed, panels.successRate),
      row('Speed', panels.processingTime, panels.activeTasks, panels.oldestByQueue),
      row('Workers', panels.workerCount, panels.workerBusy, panels.workerCpu, panels.workerMemory),
    ],
  },
  {
    slug: 'celery-tasks',
    title: 'Celery / Tasks',
    description: 'What happens to tasks, by name: how many, how they end, how long they run and wait.',
    variables: ['broker', 'queue', 'task'],
    rows: [
      row('Flow', panels.taskStates, panels.finishedByTask, panels.tasksInOut),
      row(
        'Failures',
        panels.failureRatio,
        panels.failedByException,
        panels.retriesByTask,
        panels.failingTasks,
        panels.taskRuns,
      ),
      row(
        'Run time',
        panels.runtimeByTask,
        panels.runtimeMedianByTask,
        panels.runtimeAverageByTask,
        panels.runningOldest,
        panels.slowestTasks,
      ),
      row('Wait', panels.waitQuantiles, panels.waitByTask),
      row('Lost and repeated', panels.redelivered, panels.orphaned),
    ],
  },
  {
    slug: 'celery-workers',
    title: 'Celery / Workers',
    description: 'Workers one by one: who is up, who takes tasks, how full and how large they are.',
    variables: ['broker', 'worker'],
    rows: [
      row(
        'Who is there',
        panels.workersByState,
        panels.workerUp,
        panels.workerConsuming,
        panels.workersVanished,
      ),
      row(
        'Load',
        panels.workerBusy,
        panels.tasksPerWorker,
        panels.workerBusyEach,
        panels.workerPool,
        panels.workerActive,
        panels.workerTaskRate,
      ),
      row(
        'What they hold',
        panels.tasksHeld,
        panels.workerReserved,
        panels.workerScheduled,
        panels.workerPrefetch,
      ),
      row(
        'Resources',
        panels.workerCpu,
        panels.workerMemory,
        panels.workerMemoryBytes,
        panels.workerMemoryShare,
      ),
      row('Clocks and events', panels.workerClockSkew, panels.eventsLost),
    ],
  },
  {
    slug: 'celery-broker',
    title: 'Celery / Broker and queues',
    description: 'The broker and its queues: what waits, who takes it, whether the broker is well.',
    variables: ['broker', 'queue'],
    rows: [
      row('Broker', panels.brokerUp, panels.brokerRoundtrip, panels.brokerAlarm, panels.brokerPolicy),
      row(
        'Queues',
        panels.queueNoProgress,
        panels.queueConsumers,
        panels.queueFreeSlots,
        panels.queueLoad,
        panels.queueReserved,
        panels.queueDepthPerWorker,
        panels.queueIn,
        panels.queueOut,
      ),
      row(
        'Deliveries',
        panels.brokerUnacked,
        panels.queueUnacked,
        panels.brokerUnackedAge,
        panels.brokerUnackedOverdue,
      ),
      row(
        'Resources',
        panels.redisMemory,
        panels.brokerMemory,
        panels.redisConnections,
        panels.brokerClients,
        panels.brokerBlockedConsumers,
        panels.brokerEvicted,
        panels.brokerControlKeys,
        panels.brokerControlBytes,
      ),
    ],
  },
  {
    slug: 'celeriac',
    title: 'Celery / Celeriac itself',
    description: 'Whether the one who watches sees, keeps up, and is heard.',
    variables: ['broker'],
    rows: [
      row('Sight', panels.selfSources, panels.selfSourceAge, panels.selfScrapeTargets, panels.selfVersion),
      row(
        'Events',
        panels.selfEvents,
        panels.selfEventsSkipped,
        panels.selfEventsDropped,
        panels.selfEventGaps,
        panels.selfEventGapSeconds,
        panels.selfConnects,
      ),
      row(
        'Rules and notifications',
        panels.selfRuleDuration,
        panels.selfRules,
        panels.selfRulesMissed,
        panels.selfNotifications,
        panels.selfNotificationsFailed,
      ),
      row(
        'Size',
        panels.selfStoreSeries,
        panels.selfStoreSamples,
        panels.selfMemory,
        panels.selfCpu,
        panels.selfLoopLag,
        panels.selfEvictions,
        panels.selfSeriesDropped,
      ),
    ],
  },
]

/**
 * An expression narrowed to chosen values: every selector whose metric has one of the labels, and does not name it already, gets
 * `label=~"$label"`. The value of "all" must be `.*`, which also takes series whose label is empty.
 */
export const narrowed = (expr: Expr, variables: readonly LabelName[]): string =>
  mapSelectors(expr, ({ metric, name, matchers, range }) => {
    const named = new Set(
      [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"(?:[^"\\]|\\.)*"/g)].map(([, label]) => label),
    )
    const all = [
      ...(matchers === '' ? [] : [matchers]),
      ...variables
        .filter(label => metric.labels.includes(label) && !named.has(label))
        .map(label => `${label}=~"$${label}"`),
    ]
    return `${name}${all.length === 0 ? '' : `{${all.join(', ')}}`}${range}`
  })

/** The legend of a query where several brokers may be shown: that of a series of a broker names it. */
export const fullLegend = ({ expr, legend }: PanelQuery): string =>
  legend.includes('{{broker}}') || !expr.metrics.some(({ labels }) => labels.includes('broker'))
    ? legend
    : `${legend} · {{broker}}`
