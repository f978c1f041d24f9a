import { decodeBase64Bytes, decodeBase64Text, encodeBase64Text } from './base64.ts'
import type { EventProblemReason } from './event.ts'
import { isRecord, kindOf, parsePythonJson, writePythonJson } from './json.ts'

/** Either what was asked for, or why it cannot be had: what was expected and what came, never the content itself. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: EventProblemReason; readonly detail: string }

/**
 * One message of kombu's virtual transports (celery-wire.md section 3; kombu `transport/virtual/base.py`). `body` stands as it
 * does on the wire: base64 when `bodyEncoding` says so.
 */
export interface Envelope {
  readonly body: string
  readonly bodyEncoding: 'base64' | null
  /** Null when the sender gave none. */
  readonly contentType: string | null
  readonly contentEncoding: string | null
  /** Content type of the compression, or null. */
  readonly compression: string | null
  readonly headers: Readonly<Record<string, unknown>>
  readonly properties: Readonly<Record<string, unknown>>
}

/** What a new envelope is made of. Everything random or timed comes from the caller. */
export interface EnvelopeParts {
  /** The body's text; JSON unless `contentType` says otherwise. */
  readonly body: string
  readonly bodyEncoding?: 'base64' | null
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly exchange: string
  readonly routingKey: string
  /** A UUID. */
  readonly deliveryTag: string
  /** 1 transient (default), 2 persistent. */
  readonly deliveryMode?: 1 | 2
  readonly priority?: number
  /** Further properties, such as `correlation_id`. */
  readonly properties?: Readonly<Record<string, unknown>>
}

const JSON_TYPES: ReadonlySet<string> = new Set(['application/json', 'json', 'text/json'])
const PICKLE_TYPES: ReadonlySet<string> = new Set(['application/x-python-serialize', 'pickle'])

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const fail = (reason: EventProblemReason, detail: string): Decoded<never> => ({
  ok: false,
  reason,
  detail: detail.slice(0, 200),
})

/** Reads kombu's envelope; never throws. The body is left alone: see `decodeBody`. */
export function decodeEnvelope(text: string): Decoded<Envelope> {
  let parsed: unknown
  try {
    parsed = parsePythonJson(text)
  } catch {
    return fail('not_json', `expected kombu's JSON envelope, got ${text.length} characters that are not JSON`)
  }
  if (!isRecord(parsed))
    return fail('not_an_envelope', `expected kombu's JSON envelope, got ${kindOf(parsed)}`)
  const { body } = parsed
  if (body === undefined) return fail('not_an_envelope', `expected kombu's JSON envelope, got no key "body"`)
  if (typeof body !== 'string') return fail('bad_body', `expected a string as "body", got ${kindOf(body)}`)
  const headers = isRecord(parsed['headers']) ? parsed['headers'] : {}
  const properties = isRecord(parsed['properties']) ? parsed['properties'] : {}
  return {
    ok: true,
    value: {
      body,
      bodyEncoding: properties['body_encoding'] === 'base64' ? 'base64' : null,
      contentType: textOrNull(parsed['content-type']),
      contentEncoding: textOrNull(parsed['content-encoding']),
      compression: textOrNull(headers['compression']),
      headers,
      properties,
    },
  }
}

/** The JSON text of an envelope's body. Other content types are named and left alone: pickle is never executed. */
export function decodeBodyText(envelope: Envelope): Decoded<string> {
  const { contentType, compression } = envelope
  if (contentType !== null && PICKLE_TYPES.has(contentType))
    return fail('unsupported_content_type', 'expected application/json, got pickle, which is never executed')
  if (contentType !== null && !JSON_TYPES.has(contentType))
    return fail('unsupported_content_type', `expected application/json, got ${quoted(contentType)}`)
  if (compression !== null)
    return fail(
      'unsupported_content_type',
      `expected a plain body, got one compressed as ${quoted(compression)}`,
    )
  if (envelope.bodyEncoding !== 'base64') return { ok: true, value: envelope.body }
  const text = decodeBase64Text(envelope.body)
  return text === undefined
    ? fail('bad_body', 'expected a base64 body, got other characters')
    : { ok: true, value: text }
}

/** The value of an envelope's JSON body. */
export function decodeBody(envelope: Envelope): Decoded<unknown> {
  const text = decodeBodyText(envelope)
  if (!text.ok) return text
  try {
    return { ok: true, value: parsePythonJson(text.value) }
  } catch {
    return fail('bad_body', `expected JSON as body, got ${text.value.length} characters that are not`)
  }
}

/** True when the body is a Python pickle. */
export const isPickled = (envelope: Envelope): boolean =>
  envelope.contentType !== null && PICKLE_TYPES.has(envelope.contentType)

/** The raw bytes of a base64 body, one character a byte; undefined when it has none. */
export const bodyBytes = (envelope: Envelope): string | undefined =>
  envelope.bodyEncoding === 'base64' ? decodeBase64Bytes(envelope.body) : undefined

/** Writes kombu's envelope with its keys in kombu's order, byte for byte as Python's JSON would. */
export function encodeEnvelope(parts: EnvelopeParts): string {
  const bodyEncoding = parts.bodyEncoding === undefined ? 'base64' : parts.bodyEncoding
  const { expiration, ...properties } = parts.properties ?? {}
  return writePythonJson({
    body: bodyEncoding === 'base64' ? encodeBase64Text(parts.body) : parts.body,
    'content-encoding': parts.contentEncoding ?? 'utf-8',
    'content-type': parts.contentType ?? 'application/json',
    headers: parts.headers ?? {},
    properties: {
      ...properties,
      delivery_mode: parts.deliveryMode ?? 1,
      expiration,
      delivery_info: { exchange: parts.exchange, routing_key: parts.routingKey },
      priority: parts.priority ?? 0,
      ...(bodyEncoding === 'base64' ? { body_encoding: 'base64' } : {}),
      delivery_tag: parts.deliveryTag,
    },
  })
}

/** A sender's word inside a message of ours: short and printable. */
const quoted = (word: string): string => JSON.stringify(word.slice(0, 60))
