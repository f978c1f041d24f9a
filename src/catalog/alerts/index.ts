/** Every alert, in the order of the guide. To add one: a file beside this one, and a line here. */
import { highFailureRate } from './high-failure-rate.ts'
import { lowRedundancy } from './low-redundancy.ts'
import { noWorkers } from './no-workers.ts'
import { queueDepthHigh } from './queue-depth-high.ts'
import { queueGrowing } from './queue-growing.ts'
import { queueWaitHigh } from './queue-wait-high.ts'
import { redisConnectionsSaturated } from './redis-connections-saturated.ts'
import { redisMemoryHigh } from './redis-memory-high.ts'
import { retriesHigh } from './retries-high.ts'
import { slowProcessing } from './slow-processing.ts'
import { tasksPerWorkerHigh } from './tasks-per-worker-high.ts'
import { workerCpuHigh } from './worker-cpu-high.ts'
import { workerMemoryHigh } from './worker-memory-high.ts'
import { workersSaturated } from './workers-saturated.ts'

/** The guide's nine, then the five that its list promises and its rules lack (guide-flaw 21). */
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
] as const

export type AlertName = (typeof alerts)[number]['name']
