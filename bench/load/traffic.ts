import { randomUUID } from 'node:crypto'
import { writePublish } from './resp.ts'

/** What a load looks like. Names and ids are made from numbers, so that two runs send the same. */
export interface TrafficShape {
  readonly tasks: number
  readonly names: number
  readonly queues: number
  readonly workers: number
  /** Which events each task has, in this order. */
  readonly events: readonly ('sent' | 'received' | 'started' | 'succeeded')[]
  /** Number of the first task. */
  readonly offset?: number
}

/** kombu's envelope around one event of about 725 bytes, as workers write it (celery-wire: body in base64, keys in this order). */
export function envelope(event: Readonly<Record<string, unknown>>, routingKey: string): string {
  const body = Buffer.from(JSON.stringify(event)).toString('base64')
  const { hostname } = event as { readonly hostname: string }
  return (
    `{"body": "${body}", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"hostname": "${hostname}"}, ` +
    `"properties": {"delivery_mode": 1, "delivery_info": {"exchange": "celeryev", "routing_key": "${routingKey}"}, "priority": 0, ` +
    `"body_encoding": "base64", "delivery_tag": "${randomUUID()}"}}`
  )
}

const uuidOf = (task: number): string => `${task.toString(16).padStart(8, '0')}-1111-4222-8333-444455556666`

export interface LoadEvent {
  readonly hostname: string
  readonly [field: string]: unknown
}

/** The events of a load, task after task in steps: all `sent` of a stretch, then all `received`, and so on. */
export function* loadEvents(
  shape: TrafficShape,
  stretch = 50,
): Generator<{ readonly event: LoadEvent; readonly routingKey: string }, void, undefined> {
  const { tasks, names, queues, workers, events, offset = 0 } = shape
  for (let first = 0; first < tasks; first += stretch) {
    for (const kind of events) {
      for (let i = first; i < Math.min(first + stretch, tasks); i++) {
        const task = offset + i
        const worker = `w${task % workers}@host-${task % workers}`
        const common = { utcoffset: 0, pid: 4242, clock: task, timestamp: Date.now() / 1000 }
        const uuid = uuidOf(task)
        const named = {
          uuid,
          name: `shop.tasks.job_${task % names}`,
          args: "('a customer', 'an order', 17)",
          kwargs: "{'amount': 12.5, 'currency': 'EUR', 'note': 'as agreed on the phone'}",
          root_id: uuid,
          parent_id: null,
          retries: 0,
          eta: null,
          expires: null,
        }
        const event =
          kind === 'sent'
            ? {
                hostname: `gen1@client`,
                ...common,
                ...named,
                queue: `queue-${task % queues}`,
                exchange: '',
                routing_key: `queue-${task % queues}`,
                type: 'task-sent',
              }
            : kind === 'received'
              ? { hostname: worker, ...common, ...named, type: 'task-received' }
              : kind === 'started'
                ? { hostname: worker, ...common, uuid, type: 'task-started' }
                : {
                    hostname: worker,
                    ...common,
                    uuid,
                    result: "'done'",
                    runtime: 0.25 * (1 + (task % 8)),
                    type: 'task-succeeded',
                  }
        yield { event, routingKey: `task.${kind}` }
      }
    }
  }
}

/** The same as PUBLISH commands of Redis, one event each. */
export function* traffic(shape: TrafficShape): Generator<Buffer, void, undefined> {
  for (const { event, routingKey } of loadEvents(shape))
    yield writePublish(`/0.celeryev/${routingKey}`, envelope(event, routingKey))
}
