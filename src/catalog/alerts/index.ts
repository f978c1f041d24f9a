/** Every alert. To add one: a file beside this one, and a line here. */
import { brokerDown } from './broker-down.ts'
import { eventsDropped } from './events-dropped.ts'
import { highFailureRate } from './high-failure-rate.ts'
import { lagging } from './lagging.ts'
import { lowRedundancy } from './low-redundancy.ts'
import { noWorkers } from './no-workers.ts'
import { notificationsFailing } from './notifications-failing.ts'
import { queueDepthHigh } from './queue-depth-high.ts'
import { queueGrowing } from './queue-growing.ts'
import { queueWaitHigh } from './queue-wait-high.ts'
import { redisConnectionsSaturated } from './redis-connections-saturated.ts'
import { redisMemoryHigh } from './redis-memory-high.ts'
import { retriesHigh } from './retries-high.ts'
import { rulesFailing } from './rules-failing.ts'
import { seriesDropped } from './series-dropped.ts'
import { slowProcessing } from './slow-processing.ts'
import { sourceBlind } from './source-blind.ts'
import { tasksPerWorkerHigh } from './tasks-per-worker-high.ts'
import { workerCpuHigh } from './worker-cpu-high.ts'
import { workerMemoryHigh } from './worker-memory-high.ts'
import { workersSaturated } from './workers-saturated.ts'

/**
 * The guide's nine, then the five that its list promises and its rules lack (guide-flaw 21), then what it does not speak of: the
 * broker itself, and Celeriac.
 */
export const alerts = [
  queueDepthHigh,
  queueGrowing,
  noWorkers,
  lowRedundancy,
  workersSaturated,
  highFailureRate,
  slowProcessing,
  redisMemoryHigh,
  redisConnectionsSaturated,
  queueWaitHigh,
  tasksPerWorkerHigh,
  retriesHigh,
  workerCpuHigh,
  workerMemoryHigh,
  brokerDown,
  sourceBlind,
  lagging,
  eventsDropped,
  seriesDropped,
  rulesFailing,
  notificationsFailing,
] as const

export type AlertName = (typeof alerts)[number]['name']
