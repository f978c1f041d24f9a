import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FleetChange } from '../../fleet/index.ts'
import { createFleet } from '../../fleet/index.ts'
import { T0 } from '../../fleet/events.case.ts'
import { parseExposition } from '../../metrics/index.ts'
import { newPage, text } from './page.case.ts'

const HOSTILE = [
  'unknown',
  'generic',
  'celery',
  '@',
  'a@',
  '@a',
  'x@a',
  'x@generic',
  '\n',
  '"',
  '\\',
  '}',
  ',le="1"',
  'é',
  '🙂',
]
const word = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ minLength: 1, maxLength: 4 }))

const taskChange: fc.Arbitrary<FleetChange> = fc
  .record({
    event: fc.constantFrom(
      'sent' as const,
      'received' as const,
      'started' as const,
      'succeeded' as const,
      'failed' as const,
      'retried' as const,
      'rejected' as const,
      'revoked' as const,
    ),
    task: word,
    queue: word,
    worker: word,
    exception: fc.constantFrom('unknown', 'A', 'B', 'C', 'UnknownException'),
    seconds: fc.double({ min: 0, max: 1e4, noNaN: true }),
  })
  .map(({ event, exception, seconds, ...of }) => ({
    kind: 'task' as const,
    event,
    ...of,
    ...(event === 'failed' ? { exception } : {}),
    ...(event === 'succeeded' ? { runtimeSeconds: seconds } : {}),
    ...(event === 'started' ? { waitSeconds: seconds } : {}),
  }))

const COUNTERS = [
  'sent',
  'received',
  'started',
  'succeeded',
  'failed',
  'retried',
  'rejected',
  'revoked',
] as const

test('whatever happens, every event is counted once or dropped and said, no series is told twice, and the text can be read', () => {
  fc.assert(
    fc.property(
      fc.array(taskChange, { maxLength: 60 }),
      fc.constantFrom(1, 3, 1000),
      fc.boolean(),
      fc.boolean(),
      fc.option(word, { nil: undefined }),
      (changes, maxTaskSeries, genericSentHostname, genericWorkerHostname, queue) => {
        const page = newPage({
          maxTaskSeries,
          genericSentHostname,
          genericWorkerHostname,
          ...(queue === undefined ? {} : { defaultQueue: queue }),
        })
        page.record('b', changes)
        page.collect(createFleet({ broker: 'b' }), true, T0)
        for (const format of ['text', 'openmetrics'] as const) {
          const { samples } = parseExposition(text(page, format), format === 'openmetrics')
          const keys = samples.map(({ name, labels }) =>
            JSON.stringify([name, Object.entries(labels).sort()]),
          )
          expect(new Set(keys).size).toBe(keys.length)
          const sum = (name: string): number =>
            samples.reduce((total, sample) => total + (sample.name === name ? sample.value : 0), 0)
          const counted = COUNTERS.reduce((total, event) => total + sum(`celery_task_${event}_total`), 0)
          expect(counted + page.dropped()).toBe(changes.length)
          expect(sum('celery_task_runtime_count')).toBe(sum('celery_task_succeeded_total'))
          expect(sum('celery_task_queue_wait_time_count')).toBe(sum('celery_task_started_total'))
        }
      },
    ),
    { numRuns: 300 },
  )
})
