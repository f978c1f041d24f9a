/** Which alert makes which others superfluous: one fault is told once (guide-flaw 7). */
import type { AlertName } from './alerts/index.ts'
import type { LabelName } from './metrics.ts'

export interface Inhibition {
  /** While this one fires, */
  readonly source: AlertName
  /** these are not told, */
  readonly targets: readonly AlertName[]
  /** where source and target have the same values of these labels. Never empty: one broker must not hush another. */
  readonly equal: readonly [LabelName, ...LabelName[]]
  readonly why: string
}

export const inhibitions: readonly Inhibition[] = [
  {
    source: 'CeleryNoWorkers',
    targets: [
      'CeleryLowRedundancy',
      'CeleryQueueDepthHigh',
      'CeleryQueueGrowing',
      'CeleryQueueWaitHigh',
      'CeleryTasksPerWorkerHigh',
      'CeleryWorkersSaturated',
    ],
    equal: ['broker'],
    why: 'Without workers every queue of the broker grows and waits.',
  },
  {
    source: 'CeleryQueueDepthHigh',
    targets: ['CeleryQueueGrowing'],
    equal: ['broker', 'queue'],
    why: 'A queue that is too deep has grown.',
  },
]
