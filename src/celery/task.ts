import { decodeBody, decodeEnvelope, type Decoded, encodeEnvelope, type Envelope } from './envelope.ts'
import { isRecord, kindOf, writePythonJson } from './json.ts'

/** A task message (celery-wire.md section 10). */
export interface TaskMessage {
  readonly headers: Readonly<Record<string, unknown>>
  /** Without what the envelope itself adds on encoding. */
  readonly properties: Readonly<Record<string, unknown>>
  /** `[args, kwargs, embed]`. */
  readonly body: unknown
}

/** What a task call consists of; times are ISO 8601 texts with offset. */
export interface TaskCall {
  /** UUID. */
  readonly id: string
  readonly name: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  /** `gen<pid>@<host>`. */
  readonly origin: string
  readonly retries?: number
  readonly eta?: string | null
  readonly expires?: string | null
  readonly rootId?: string
  readonly parentId?: string | null
  /** Hard and soft limit in seconds. */
  readonly timelimitSeconds?: readonly [hard: number | null, soft: number | null]
  /** 0 to 9. */
  readonly priority?: number
  readonly headers?: Readonly<Record<string, unknown>>
}

/** A protocol 2 message for a call, with every header Celery 5 sends (Celery `app/amqp.py`, `as_task_v2`). */
export function taskMessage(call: TaskCall): TaskMessage {
  const args = call.args ?? []
  const kwargs = call.kwargs ?? {}
  return {
    headers: {
      lang: 'py',
      task: call.name,
      id: call.id,
      shadow: null,
      eta: call.eta ?? null,
      expires: call.expires ?? null,
      group: null,
      group_index: null,
      retries: call.retries ?? 0,
      timelimit: call.timelimitSeconds ?? [null, null],
      root_id: call.rootId ?? call.id,
      parent_id: call.parentId ?? null,
      argsrepr: `(${args.map(argument => writePythonJson(argument)).join(', ')}${args.length === 1 ? ',' : ''})`,
      kwargsrepr: writePythonJson(kwargs),
      origin: call.origin,
      ignore_result: false,
      replaced_task_nesting: 0,
      stamped_headers: null,
      stamps: {},
      ...call.headers,
    },
    properties: { correlation_id: call.id, priority: call.priority ?? 0 },
    body: [args, kwargs, { callbacks: null, errbacks: null, chain: null, chord: null }],
  }
}

/** Writes a task message as a client pushes it to its queue. `priority` of the parts wins over the property. */
export function encodeTask(
  task: TaskMessage,
  parts: {
    readonly deliveryTag: string
    readonly routingKey: string
    readonly exchange?: string
    readonly priority?: number
  },
): string {
  return encodeEnvelope({
    body: taskBody(task),
    headers: task.headers,
    properties: task.properties,
    exchange: parts.exchange ?? '',
    routingKey: parts.routingKey,
    deliveryTag: parts.deliveryTag,
    deliveryMode: 2,
    priority: parts.priority ?? priorityOf(task),
  })
}

/** The JSON of a task's body: the whole message on AMQP. */
export const taskBody = (task: TaskMessage): string => writePythonJson(task.body)

/** The priority a message asks for; 0 when it asks for none. */
export function priorityOf(task: TaskMessage): number {
  const priority = task.properties['priority']
  return typeof priority === 'number' ? priority : 0
}

/** Reads a task message. A body in another content type than JSON is reported, not opened. Never throws. */
export function decodeTask(text: string): Decoded<TaskMessage> {
  const opened = decodeEnvelope(text)
  return opened.ok ? readTask(opened.value) : opened
}

/** The task that a message holds; see `decodeTask`. */
export function readTask(envelope: Envelope): Decoded<TaskMessage> {
  const body = decodeBody(envelope)
  if (!body.ok) return body
  const value = body.value
  if (!Array.isArray(value) && !isRecord(value)) {
    return {
      ok: false,
      reason: 'bad_body',
      detail: `expected a task's [args, kwargs, embed], got ${kindOf(value)}`,
    }
  }
  return {
    ok: true,
    value: { headers: envelope.headers, properties: envelope.properties, body: value },
  }
}
