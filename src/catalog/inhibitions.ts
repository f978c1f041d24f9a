/**
 * Which alert mutes which while it fires: one fault is told once (guide-flaw 7). `equal` is never empty, or one alert would mute
 * the fleet; both sides carry all of its labels.
 */
import type { AlertName } from './alerts/index.ts'
import type { LabelName } from './metrics.ts'

export interface Inhibition {
  readonly source: AlertName
  /** Labels that the source must have besides; `{}` for any. */
  readonly where: { readonly [L in LabelName]?: string }
  readonly targets: readonly AlertName[]
  readonly equal: readonly [LabelName, ...LabelName[]]
  readonly why: string
}

export const inhibitions: readonly Inhibition[] = [
  {
    source: 'CeleryBrokerDown',
    where: {},
    targets: [
      'CeleryQueueDepthHigh',
      'CeleryQueueGrowing',
      'CeleryQueueWaitHigh',
      'CeleryNoWorkers',
      'CeleryLowRedundancy',
      'CeleryWorkersSaturated',
      'CeleryTasksPerWorkerHigh',
      'CeleryHighFailureRate',
      'CeleryRetriesHigh',
      'CelerySlowProcessing',
      'RedisMemoryHigh',
      'RedisConnectionsSaturated',
      'CeleriacSourceBlind',
    ],
    equal: ['broker'],
    why: 'Without the broker nothing can be known or done about its fleet.',
  },
  {
    source: 'CeleryNoWorkers',
    where: {},
    targets: [
      'CeleryLowRedundancy',
      'CeleryWorkersSaturated',
      'CeleryTasksPerWorkerHigh',
      'CeleryQueueDepthHigh',
      'CeleryQueueGrowing',
      'CeleryQueueWaitHigh',
    ],
    equal: ['broker'],
    why: 'Queues fill because nobody takes from them.',
  },
  {
    source: 'CeleryQueueDepthHigh',
    where: {},
    targets: ['CeleryQueueGrowing'],
    equal: ['broker', 'queue'],
    why: 'A queue that is too deep has grown.',
  },
  {
    source: 'CeleriacSourceBlind',
    where: { source: 'events' },
    targets: ['CeleryQueueWaitHigh', 'CeleryRetriesHigh', 'CelerySlowProcessing'],
    equal: ['broker'],
    why: 'These rest on events, and none come.',
  },
]

/** The inhibitions in which an alert is muted. */
export const inhibitedBy = (name: string): readonly Inhibition[] =>
  inhibitions.filter(({ targets }) => targets.some(target => target === name))
