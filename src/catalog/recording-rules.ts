/**
 * Recorded series: the guide's four under their own names, corrected (guide-flaws 3, 4, 5, 6, 8, 11), and what alerts and panels
 * share. Order matters: a rule may read those before it. Every divisor that may be 0 is guarded, so a ratio without a base is
 * absent, never NaN or +Inf.
 */
import { MINUTE } from '../base/index.ts'
import {
  atLeast,
  averageOver,
  increase,
  latest,
  maxBy,
  observed,
  on,
  onManyToOne,
  orZero,
  promql,
  rate,
  series,
  sumBy,
  when,
} from './expr.ts'
import { metrics } from './metrics.ts'
import { record } from './spec.ts'

const TASK = ['broker', 'task', 'queue'] as const

/** Long enough to hold a task's retries: Celery waits 180 s before each unless told otherwise (`Task.default_retry_delay`). */
export const RETRY_WINDOW_MS = 15 * MINUTE

const succeeded = sumBy(TASK, rate(metrics.taskSucceeded))
const failed = sumBy(TASK, rate(metrics.taskFailed))
const retries = sumBy(TASK, increase(metrics.taskRetry, {}, RETRY_WINDOW_MS))

const finished = record({
  name: 'broker_task_queue:celery_task_finished:rate5m',
  labels: TASK,
  unit: 'per_second',
  help: 'Tasks that succeeded or failed, per second over 5 minutes.',
  expr: promql`
    ${orZero(succeeded, failed)}
    + ${on(...TASK)}
    ${orZero(failed, succeeded)}`,
})

const failureRatio = record({
  name: 'broker_task_queue:celery_task_failed:ratio_rate5m',
  labels: TASK,
  unit: 'ratio',
  help: 'Share of finished tasks that failed, over 5 minutes. Absent when nothing finished.',
  expr: promql`
    ${orZero(failed, series(finished))}
    / ${on(...TASK)}
    (${series(finished)} > 0)`,
})

const successRate = record({
  name: 'celery_task_success_rate_5m',
  labels: ['broker'],
  unit: 'ratio',
  guide: 8,
  help: 'Share of finished tasks that succeeded, all tasks together, over 5 minutes. Absent when nothing finished.',
  expr: promql`
    ${orZero(sumBy(['broker'], rate(metrics.taskSucceeded)), sumBy(['broker'], series(finished)))}
    / ${on('broker')}
    (${sumBy(['broker'], series(finished))} > 0)`,
})

const runtimeAverage = record({
  name: 'celery_task_runtime_seconds_avg_5m',
  labels: TASK,
  unit: 'seconds',
  guide: 7,
  help: 'Mean run time over 5 minutes. Absent when nothing succeeded.',
  expr: promql`
    ${sumBy(TASK, observed('sum', metrics.taskRuntime))}
    / ${on(...TASK)}
    (${sumBy(TASK, observed('count', metrics.taskRuntime))} > 0)`,
})

const retriesPerTask = record({
  name: 'broker_task_queue:celery_task_retries_per_task:ratio_increase15m',
  labels: TASK,
  unit: 'count',
  guide: 10,
  help: 'Retries for each finished task over 15 minutes. Where nothing finished the retries are counted as those of one task.',
  expr: promql`
    ${retries}
    / ${on(...TASK)}
    ${atLeast(
      1,
      promql`
        ${orZero(sumBy(TASK, increase(metrics.taskSucceeded, {}, RETRY_WINDOW_MS)), retries)}
        + ${on(...TASK)}
        ${orZero(sumBy(TASK, increase(metrics.taskFailed, {}, RETRY_WINDOW_MS)), retries)}`,
    )}`,
})

const EVENTS = { source: 'events' } as const
const isHeard = promql`${maxBy(['broker'], series(metrics.sourceUp, EVENTS))} == 1`

/**
 * A counter stands still while its events cannot be heard, so that its rate falls to 0 although nobody knows. Where what happened
 * meanwhile is lost (a gap was counted), a rate is of the time in which events were heard; where the broker kept it, of all time.
 */
const eventsHeard = record({
  name: 'broker:celeriac_events_heard:ratio5m',
  labels: ['broker'],
  unit: 'ratio',
  help: 'Share of the last 5 minutes whose events are counted: under 1 after an outage in which events were lost. Absent while events are not heard.',
  expr: promql`
    (${when(
      maxBy(['broker'], averageOver(metrics.sourceUp, EVENTS)),
      on('broker'),
      promql`${sumBy(['broker'], increase(metrics.eventGapSeconds))} > 0`,
    )}
    or ${on('broker')}
    ${isHeard})
    and ${on('broker')}
    ${isHeard}`,
})

const WORKER = on('broker', 'worker')
const isUp = promql`${latest(metrics.workerUp)} == 1`

/** Only workers that are up and of which both numbers are known, so that a worker still unasked does not distort the ratio. */
const busyRatio = record({
  name: 'celery_worker_busy_ratio',
  labels: ['broker'],
  unit: 'ratio',
  guide: 5,
  help: 'Busy pool slots over pool slots of workers that are up, by their real pool size. Absent without a slot.',
  expr: promql`
    ${sumBy(
      ['broker'],
      when(
        latest(metrics.workerActive),
        WORKER,
        when(promql`${latest(metrics.workerConcurrency)} > 0`, WORKER, isUp),
      ),
    )}
    / ${on('broker')}
    (${sumBy(
      ['broker'],
      when(
        latest(metrics.workerConcurrency),
        WORKER,
        when(promql`${latest(metrics.workerActive)} >= 0`, WORKER, isUp),
      ),
    )} > 0)`,
})

const tasksPerWorker = record({
  name: 'celery_tasks_per_worker',
  labels: ['broker'],
  unit: 'count',
  guide: 6,
  help: 'Tasks executing over workers that are up. Absent without workers.',
  expr: promql`${latest(metrics.activeTasks)} / ${on('broker')} (${latest(metrics.workerCount)} > 0)`,
})

const queueDepthPerWorker = record({
  name: 'celery_queue_depth_per_worker',
  labels: ['broker', 'queue'],
  unit: 'count',
  help: 'Waiting tasks of a queue over workers that are up. Absent without workers.',
  expr: promql`
    ${latest(metrics.queueDepth)}
    / ${onManyToOne('broker')}
    (${latest(metrics.workerCount)} > 0)`,
})

/** Recorded series, in the order in which their rules run. */
export const recorded = {
  finished,
  failureRatio,
  successRate,
  runtimeAverage,
  retriesPerTask,
  eventsHeard,
  busyRatio,
  tasksPerWorker,
  queueDepthPerWorker,
} as const

export type Recorded = typeof recorded
export type RecordedName = Recorded[keyof Recorded]['name']
