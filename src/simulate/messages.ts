import type { TaskEnvelope } from '../broker/index.ts'
import { taskMessage } from '../celery/index.ts'

/** What the simulated workers say they are: software of the wire format they speak (celery-wire.md section 14). */
export const SOFTWARE = { sw_ident: 'py-celery', sw_ver: '5.6.3', sw_sys: 'Linux' } as const

export interface OutgoingTask {
  readonly id: string
  readonly name: string
  readonly queue: string
  readonly priority: number
  readonly retries: number
  /** Epoch ms, or null for at once. */
  readonly etaMs: number | null
  readonly args: readonly unknown[]
  readonly rootId: string
  readonly parentId: string | null
  /** `gen<pid>@host`. */
  readonly origin: string
}

/** ISO 8601 with microseconds and an offset, as Python writes it. */
export const isoText = (epochMs: number): string => new Date(epochMs).toISOString().replace('Z', '000+00:00')

/** The message of a task (celery-wire.md section 10). */
export const taskEnvelope = (task: OutgoingTask): TaskEnvelope =>
  taskMessage({
    id: task.id,
    name: task.name,
    args: task.args,
    origin: task.origin,
    retries: task.retries,
    eta: task.etaMs === null ? null : isoText(task.etaMs),
    rootId: task.rootId,
    parentId: task.parentId,
    priority: task.priority,
  })

/** A `task-sent` event, as the client sends it after the task (celery-wire.md section 6). */
export function sentEvent(
  task: OutgoingTask,
  argsrepr: unknown,
  pid: number,
  clock: number,
  nowMs: number,
): Record<string, unknown> {
  return {
    hostname: task.origin,
    utcoffset: 0,
    pid,
    clock,
    uuid: task.id,
    root_id: task.rootId,
    parent_id: task.parentId,
    name: task.name,
    args: argsrepr,
    kwargs: '{}',
    retries: task.retries,
    eta: task.etaMs === null ? null : isoText(task.etaMs),
    expires: null,
    queue: task.queue,
    exchange: '',
    routing_key: task.queue,
    timestamp: nowMs / 1000,
    type: 'task-sent',
  }
}

/** A task message as a worker keeps it. */
export interface HeldTask {
  readonly id: string
  readonly name: string
  readonly queue: string
  readonly priority: number
  readonly retries: number
  readonly etaMs: number | null
  readonly rootId: string | null
  readonly parentId: string | null
  readonly argsrepr: string
  readonly args: readonly unknown[]
  readonly eta: string | null
  readonly redelivered: boolean
  /** The message itself, to give it back. */
  readonly envelope: TaskEnvelope
}

/** Reads a message that a worker took; undefined when it is not a protocol-2 task. */
export function readTask(queue: string, envelope: TaskEnvelope): HeldTask | undefined {
  const { headers, properties, body } = envelope
  const { id, task: name, eta } = headers
  if (typeof id !== 'string' || typeof name !== 'string' || !Array.isArray(body)) return undefined
  const etaMs = typeof eta === 'string' ? Date.parse(eta) : Number.NaN
  return {
    id,
    name,
    queue,
    priority: typeof properties['priority'] === 'number' ? properties['priority'] : 0,
    retries: typeof headers['retries'] === 'number' ? headers['retries'] : 0,
    etaMs: Number.isNaN(etaMs) ? null : etaMs,
    eta: Number.isNaN(etaMs) ? null : (eta as string),
    rootId: textOrNull(headers['root_id']),
    parentId: textOrNull(headers['parent_id']),
    argsrepr: textOrNull(headers['argsrepr']) ?? '()',
    args: Array.isArray(body[0]) ? (body[0] as unknown[]) : [],
    redelivered: headers['redelivered'] === true,
    envelope,
  }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A Python traceback that names simulated files and ends in the exception. */
export const tracebackText = (taskName: string, exception: string, message: string): string =>
  `Traceback (most recent call last):\n  File "celery/app/trace.py", line 585, in trace_task\n` +
  `    R = retval = fun(*args, **kwargs)\n  File "simulated/${taskName.replaceAll('.', '/')}.py", line 42, in run\n` +
  `${exception}: ${message}\n`
