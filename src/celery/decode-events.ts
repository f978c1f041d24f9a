import { decodeBase64Text } from './base64.ts'
import { decodeBodyText, decodeEnvelope } from './envelope.ts'
import type {
  CeleryEvent,
  DecodedEvents,
  EventProblem,
  EventProblemReason,
  RawEventMessage,
} from './event.ts'
import { asCheckedEvent, checkEvent, type Fault, illFormedName } from './event-check.ts'
import { isRecord, parsePythonJson } from './json.ts'

const DEFAULT_MAX_EVENT_BYTES = 1024 * 1024

/** Celery sends at most 24 events in one message (Celery `events/dispatcher.py`, `buffer_limit`); a list this long is an attack. */
const MAX_BATCH = 10_000

const NONE: readonly never[] = Object.freeze([])
const EMPTY: DecodedEvents = Object.freeze({ events: NONE, problems: NONE })

/**
 * What one message of the event channel holds; never throws. A message longer than `maxBytes` (default 1 MiB, counted in
 * characters) is skipped unparsed. Events are the parsed objects themselves, checked and completed in place.
 *
 * Cost: one cut, one base64 decoding and one `JSON.parse` of the body; kombu's envelope around it is only parsed when it does
 * not look exactly as kombu writes it.
 */
export function decodeEventMessage(
  message: RawEventMessage,
  options: { readonly maxBytes?: number } = {},
): DecodedEvents {
  const decoded = decode(message, options.maxBytes ?? DEFAULT_MAX_EVENT_BYTES)
  // Only what is to be logged is worth another look at the envelope.
  if (message.form === 'body' || decoded.problems.every(({ sender }) => sender !== null)) return decoded
  const sender = senderOf(message.payload, options.maxBytes ?? DEFAULT_MAX_EVENT_BYTES)
  return {
    events: decoded.events,
    problems: decoded.problems.map(problem => ({ ...problem, sender: problem.sender ?? sender })),
  }
}

/** The node name in the headers of an envelope that can be read. */
function senderOf(payload: string, maxBytes: number): string | null {
  if (payload.length > maxBytes) return null
  const envelope = decodeEnvelope(payload)
  return envelope.ok ? nodeName(envelope.value.headers) : null
}

const MAX_SENDER_LENGTH = 200

function nodeName(value: unknown): string | null {
  const name = isRecord(value) ? value['hostname'] : undefined
  return typeof name === 'string' && name !== '' ? name.slice(0, MAX_SENDER_LENGTH) : null
}

function decode(message: RawEventMessage, maxBytes: number): DecodedEvents {
  const { payload } = message
  if (payload.length > maxBytes)
    return failed('too_large', `expected at most ${maxBytes} characters, got ${payload.length}`)
  if (message.form === 'body') return decodeText(payload, 'not_json')
  const cut = cutBody(payload)
  if (cut !== undefined) return decodeText(cut, 'bad_body')
  const envelope = decodeEnvelope(payload)
  if (!envelope.ok) return failed(envelope.reason, envelope.detail)
  const text = decodeBodyText(envelope.value)
  return text.ok ? decodeText(text.value, 'bad_body', true) : failed(text.reason, text.detail)
}

const HEAD = '{"body": "'
const AFTER_BODY =
  '", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"hostname": "'
const AFTER_HEADERS = '"}, "properties": {'
const BEFORE_TAG = '"body_encoding": "base64", "delivery_tag": "'
/** A UUID and the closing brackets. */
const TAG_LENGTH = 36 + '"}}'.length

/**
 * The body's text, cut out of an envelope that is written exactly as a worker's kombu does: base64, plain JSON, no header but the
 * host name (so no compression). Undefined for any other, which the full parser then judges. The rest of the envelope says
 * nothing about an event. Looks at fixed places only, since searching the envelope would cost half as much as parsing it.
 */
function cutBody(payload: string): string | undefined {
  if (!payload.startsWith(HEAD) || !payload.endsWith('"}}')) return undefined
  const end = payload.indexOf('"', HEAD.length)
  if (end < 0 || !payload.startsWith(AFTER_BODY, end)) return undefined
  const hostEnd = payload.indexOf('"', end + AFTER_BODY.length)
  if (hostEnd < 0 || !payload.startsWith(AFTER_HEADERS, hostEnd)) return undefined
  if (!payload.startsWith(BEFORE_TAG, payload.length - TAG_LENGTH - BEFORE_TAG.length)) return undefined
  return decodeBase64Text(payload.slice(HEAD.length, end))
}

function decodeText(text: string, notJson: EventProblemReason, unusual = false): DecodedEvents {
  let parsed: unknown
  try {
    parsed = parsePythonJson(text)
  } catch {
    return failed(
      notJson,
      `expected an event or a list of events in JSON, got ${text.length} other characters`,
    )
  }
  // In text that came as UTF-8, a name can only be ill-formed when a surrogate is escaped.
  const suspicious = unusual || text.includes('\\ud') || text.includes('\\uD')
  if (!Array.isArray(parsed)) {
    const fault = checkEvent(parsed) ?? (suspicious ? illFormedName(parsed) : undefined)
    return fault === undefined
      ? { events: [asCheckedEvent(parsed)], problems: NONE }
      : { events: NONE, problems: [problemOf(fault, parsed)] }
  }
  return decodeBatch(parsed, suspicious)
}

function decodeBatch(batch: readonly unknown[], suspicious: boolean): DecodedEvents {
  if (batch.length === 0) return EMPTY
  if (batch.length > MAX_BATCH)
    return failed('too_large', `expected at most ${MAX_BATCH} events in a message, got ${batch.length}`)
  const problems: EventProblem[] = []
  const events: CeleryEvent[] = []
  for (const value of batch) {
    const fault = checkEvent(value) ?? (suspicious ? illFormedName(value) : undefined)
    if (fault === undefined) events.push(asCheckedEvent(value))
    else problems.push(problemOf(fault, value))
  }
  return { events, problems: problems.length === 0 ? NONE : problems }
}

const problemOf = (fault: Fault, value: unknown): EventProblem => ({ ...fault, sender: nodeName(value) })

const failed = (reason: EventProblemReason, detail: string): DecodedEvents => ({
  events: NONE,
  problems: [{ reason, detail: detail.slice(0, 200), sender: null }],
})
