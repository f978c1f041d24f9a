import { encodeEnvelope } from './envelope.ts'
import { isRecord, writePythonJson } from './json.ts'

export type EventFields = Readonly<Record<string, unknown>>

/** `task-sent` goes out under `task.sent`, a batch of any kind under `task.multi` or `worker.multi` (Celery `events/dispatcher.py`). */
function eventRoutingKey(events: EventFields | readonly EventFields[]): string {
  if (!Array.isArray(events)) return typeOf(events as EventFields).replaceAll('-', '.')
  const first: unknown = events[0]
  const type = isRecord(first) ? typeOf(first) : 'task'
  return `${type.split('-', 1)[0] ?? type}.multi`
}

const typeOf = (event: EventFields): string => (typeof event['type'] === 'string' ? event['type'] : 'task')

/** One event, or a batch as one message, in kombu's envelope; written as a worker writes it. */
export function encodeEvents(
  events: EventFields | readonly EventFields[],
  parts: { readonly deliveryTag: string; readonly exchange?: string },
): { readonly routingKey: string; readonly payload: string } {
  const { routingKey, headers, body } = eventMessage(events)
  const exchange = parts.exchange ?? 'celeryev'
  const payload = encodeEnvelope({ body, headers, exchange, routingKey, deliveryTag: parts.deliveryTag })
  return { routingKey, payload }
}

/** The parts of the same message: on AMQP the body is all of it and the headers are the message's. */
export function eventMessage(events: EventFields | readonly EventFields[]): {
  readonly routingKey: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
} {
  const first: unknown = Array.isArray(events) ? events[0] : events
  const hostname = isRecord(first) ? first['hostname'] : undefined
  return {
    routingKey: eventRoutingKey(events),
    headers: hostname === undefined ? {} : { hostname },
    body: writePythonJson(events),
  }
}
