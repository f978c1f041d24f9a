import type { CeleryEvent, EventProblem, EventProblemReason } from './event.ts'
import { isRecord, kindOf } from './json.ts'

/** Names and ids longer than this are not believed; AMQP allows 255, result back ends less. */
const MAX_NAME_LENGTH = 1024

/** What Celery's own state assumes of a worker that does not say (Celery `events/state.py`, `Worker`). Seconds. */
const DEFAULT_FREQ_SECONDS = 60

/** Year 9999: beyond it a number is not a time. */
const MAX_TIMESTAMP = 253_402_300_799

type Fields = Record<string, unknown>

/** What is wrong with a value, whoever sent it. */
export type Fault = Omit<EventProblem, 'sender'>

const problem = (reason: EventProblemReason, detail: string): Fault => ({
  reason,
  detail: detail.slice(0, 200),
})

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value < Infinity

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Says what is wrong with a field that must be a name. */
function nameProblem(type: string, field: string, value: unknown): Fault {
  if (value === undefined || value === null)
    return problem('missing_field', `${type}: expected "${field}", got ${kindOf(value)}`)
  if (typeof value !== 'string')
    return problem('bad_field', `${type}: expected "${field}" to be a string, got ${kindOf(value)}`)
  return value === ''
    ? problem('bad_field', `${type}: expected "${field}" to be a name, got an empty string`)
    : problem(
        'bad_field',
        `${type}: expected "${field}" of at most ${MAX_NAME_LENGTH} characters, got ${value.length}`,
      )
}

function numberProblem(type: string, field: string, value: unknown): Fault {
  if (value === undefined || value === null)
    return problem('missing_field', `${type}: expected "${field}", got ${kindOf(value)}`)
  return typeof value === 'number'
    ? problem('bad_field', `${type}: "${field}" is out of range`)
    : problem('bad_field', `${type}: expected "${field}" to be a number, got ${kindOf(value)}`)
}

/**
 * Makes sure that a parsed value is an event of the types in event.ts, in place: what is merely missing is filled with the value
 * that means "not said", what is wrong makes it a problem. Returns undefined when the value now is a CeleryEvent.
 */
export function checkEvent(value: unknown): Fault | undefined {
  if (!isRecord(value)) return problem('not_an_event', `expected an event object, got ${kindOf(value)}`)
  // Parsed by us a moment ago and owned by nobody else.
  const event = value as Fields
  const type = event['type']
  if (typeof type !== 'string') {
    return type === undefined || type === null
      ? problem('missing_field', `expected an event with "type", got ${kindOf(type)}`)
      : problem('bad_field', `expected "type" to be a string, got ${kindOf(type)}`)
  }
  const known = CHECKS.get(type)
  if (known === undefined)
    return problem('unknown_type', `no event type of Celery: ${JSON.stringify(type.slice(0, 60))}`)
  if (!isName(event['hostname'])) return nameProblem(type, 'hostname', event['hostname'])
  const timestamp = event['timestamp']
  if (!isAmount(timestamp) || timestamp > MAX_TIMESTAMP) return numberProblem(type, 'timestamp', timestamp)
  const clock = event['clock']
  if (typeof clock !== 'number' && clock !== null) event['clock'] = null
  if (event['pid'] !== undefined && typeof event['pid'] !== 'number') delete event['pid']
  // One copy of the type's name for all events: comparing it from here on compares pointers.
  event['type'] = known.type
  return known.check(type, event)
}

/** Narrowing form of `checkEvent` for a value it found nothing wrong with. */
export const asCheckedEvent = (value: unknown): CeleryEvent => value as CeleryEvent

/** True when a name in the event is no well-formed Unicode, which no exposition format can carry. */
export function illFormedName(value: unknown): Fault | undefined {
  if (!isRecord(value)) return undefined
  for (const field of ['hostname', 'uuid', 'name', 'queue', 'routing_key']) {
    const text = value[field]
    if (typeof text === 'string' && LONE_SURROGATE.test(text))
      return problem(
        'bad_field',
        `${String(value['type']).slice(0, 60)}: "${field}" is not well-formed Unicode`,
      )
  }
  return undefined
}

type Check = (type: string, event: Fields) => Fault | undefined

function checkWorker(type: string, event: Fields): Fault | undefined {
  const freq = event['freq']
  if (freq === undefined || freq === null) event['freq'] = DEFAULT_FREQ_SECONDS
  else if (!isAmount(freq) || freq === 0) return numberProblem(type, 'freq', freq)
  return (
    optionalAmount(type, event, 'active') ?? optionalAmount(type, event, 'processed') ?? dropNonTexts(event)
  )
}

function optionalAmount(type: string, event: Fields, field: string): Fault | undefined {
  const value = event[field]
  if (value === undefined || isAmount(value)) return undefined
  if (value !== null) return numberProblem(type, field, value)
  delete event[field]
  return undefined
}

function dropNonTexts(event: Fields): undefined {
  for (const field of ['sw_ident', 'sw_ver', 'sw_sys'] as const) {
    const value = event[field]
    if (value !== undefined && !(typeof value === 'string' && value.length <= MAX_NAME_LENGTH))
      delete event[field]
  }
}

/** `uuid` alone: started, cancelled. */
const checkTask: Check = (type, event) =>
  isName(event['uuid']) ? undefined : nameProblem(type, 'uuid', event['uuid'])

function checkNamedTask(type: string, event: Fields): Fault | undefined {
  if (!isName(event['uuid'])) return nameProblem(type, 'uuid', event['uuid'])
  if (!isName(event['name'])) return nameProblem(type, 'name', event['name'])
  const retries = event['retries']
  if (!isAmount(retries)) {
    if (retries !== undefined && retries !== null) return numberProblem(type, 'retries', retries)
    event['retries'] = 0
  }
  const eta = event['eta']
  if (eta !== null && typeof eta !== 'string') {
    if (eta !== undefined)
      return problem('bad_field', `${type}: expected "eta" to be an ISO 8601 string, got ${kindOf(eta)}`)
    event['eta'] = null
  }
  nullNonName(event, 'root_id')
  nullNonName(event, 'parent_id')
  return undefined
}

function nullNonName(event: Fields, field: 'root_id' | 'parent_id'): void {
  const value = event[field]
  if (value !== null && value !== undefined && !isName(value)) event[field] = null
}

function checkSent(type: string, event: Fields): Fault | undefined {
  const found = checkNamedTask(type, event)
  if (found !== undefined) return found
  const queue = event['queue']
  if (queue === undefined) event['queue'] = null
  else if (queue !== null && !isName(queue)) return nameProblem(type, 'queue', queue)
  const routingKey = event['routing_key']
  if (routingKey !== undefined && !(typeof routingKey === 'string' && routingKey.length <= MAX_NAME_LENGTH))
    delete event['routing_key']
  return undefined
}

function checkSucceeded(type: string, event: Fields): Fault | undefined {
  const runtime = event['runtime']
  if (!isAmount(runtime) && runtime !== null) {
    if (runtime !== undefined && typeof runtime !== 'number') return numberProblem(type, 'runtime', runtime)
    event['runtime'] = null
  }
  return checkTask(type, event)
}

function checkFailed(type: string, event: Fields): Fault | undefined {
  if (typeof event['exception'] !== 'string') event['exception'] = ''
  if (event['traceback'] !== undefined && typeof event['traceback'] !== 'string') delete event['traceback']
  return checkTask(type, event)
}

function checkRejected(type: string, event: Fields): Fault | undefined {
  if (typeof event['requeue'] !== 'boolean') event['requeue'] = false
  return checkTask(type, event)
}

function checkRevoked(type: string, event: Fields): Fault | undefined {
  if (typeof event['terminated'] !== 'boolean') event['terminated'] = false
  if (typeof event['expired'] !== 'boolean') event['expired'] = false
  return checkTask(type, event)
}

/** One row a type (celery-wire.md section 6). */
const CHECK_OF: Readonly<Record<CeleryEvent['type'], Check>> = {
  'worker-online': checkWorker,
  'worker-heartbeat': checkWorker,
  'worker-offline': checkWorker,
  'task-sent': checkSent,
  'task-received': checkNamedTask,
  'task-started': checkTask,
  'task-succeeded': checkSucceeded,
  'task-failed': checkFailed,
  'task-retried': checkFailed,
  'task-rejected': checkRejected,
  'task-revoked': checkRevoked,
  'task-cancelled': checkTask,
}

const CHECKS: ReadonlyMap<string, { readonly type: string; readonly check: Check }> = new Map(
  Object.entries(CHECK_OF).map(([type, check]) => [type, { type, check }]),
)
