import type { CeleryEvent } from '../../src/celery/index.ts'
import type { ExpectedCounts } from '../servers/celery.ts'

/** What the events say, in the producer's form. A later event has neither name nor queue: they are joined by id. */
export function countEvents(events: readonly CeleryEvent[]): ExpectedCounts[] {
  const sent = new Map<string, { task: string; queue: string }>()
  for (const event of events) {
    if (event.type === 'task-sent') sent.set(event.uuid, { task: event.name, queue: event.queue ?? 'none' })
  }
  const kinds = ['sent', 'received', 'started', 'succeeded', 'failed', 'retried'] as const
  const counts = new Map<string, { task: string; queue: string } & Record<(typeof kinds)[number], number>>()
  for (const event of events) {
    const kind = kinds.find(each => event.type === `task-${each}`)
    if (kind === undefined || !('uuid' in event)) continue
    const of = sent.get(event.uuid) ?? { task: 'unknown', queue: 'unknown' }
    const key = `${of.task} ${of.queue}`
    const row = counts.get(key) ?? {
      ...of,
      sent: 0,
      received: 0,
      started: 0,
      succeeded: 0,
      failed: 0,
      retried: 0,
    }
    row[kind]++
    counts.set(key, row)
  }
  return [...counts.values()].sort((a, b) => (`${a.task} ${a.queue}` < `${b.task} ${b.queue}` ? -1 : 1))
}
