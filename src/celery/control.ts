import {
  bodyBytes,
  decodeBody,
  decodeEnvelope,
  type Decoded,
  encodeEnvelope,
  type Envelope,
  isPickled,
} from './envelope.ts'
import { isRecord, kindOf, writePythonJson } from './json.ts'

/** Where a reply goes: the default exchange (empty) takes it straight to the list or queue named. */
export interface ReplyAddress {
  readonly exchange: string
  readonly routingKey: string
}

/** A remote control request (celery-wire.md section 8; kombu `pidbox.py`). */
export interface ControlMessage {
  readonly method: string
  readonly arguments: Readonly<Record<string, unknown>>
  /** Node names; null addresses every worker. */
  readonly destination: readonly string[] | null
  readonly ticket: string | null
  /** Null asks for no answer. */
  readonly replyTo: ReplyAddress | null
}

/** One node's answer inside a reply message. */
export type NodeReply =
  | { readonly node: string; readonly ok: true; readonly value: unknown }
  | {
      readonly node: string
      readonly ok: false
      readonly error: string
      /** The content type (or compression) of an answer that was not read because of it. */
      readonly serializer?: string
    }

export interface ControlReplyMessage {
  readonly ticket: string | null
  readonly replies: readonly NodeReply[]
}

/** What stands for a node, or a serializer, whose name could not be read. */
const UNKNOWN_NODE = 'unknown'

const MAX_ERROR_LENGTH = 500

/** Writes a request as Celery's `app.control` does. `expiresSeconds` (epoch) and `clock` are optional; workers ignore the first. */
export function encodeControlRequest(
  request: ControlMessage,
  parts: {
    readonly deliveryTag: string
    readonly exchange?: string
    readonly clock?: number
    readonly expiresSeconds?: number
  },
): string {
  return encodeEnvelope({
    body: controlRequestBody(request),
    headers: { clock: parts.clock, expires: parts.expiresSeconds },
    exchange: parts.exchange ?? 'celery.pidbox',
    routingKey: '',
    deliveryTag: parts.deliveryTag,
    deliveryMode: 2,
  })
}

/** The JSON of a request: the whole message on AMQP, the envelope's body elsewhere. */
export function controlRequestBody(request: ControlMessage): string {
  const replyTo = request.replyTo
  return writePythonJson({
    method: request.method,
    arguments: request.arguments,
    destination: request.destination,
    pattern: null,
    matcher: null,
    ticket: request.ticket,
    reply_to: replyTo === null ? null : { exchange: replyTo.exchange, routing_key: replyTo.routingKey },
  })
}

/** Reads a request as a worker does: unknown keys are ignored. Never throws. */
export function decodeControlRequest(text: string): Decoded<ControlMessage> {
  const envelope = decodeEnvelope(text)
  return envelope.ok ? readControlRequest(envelope.value) : envelope
}

/** The request that a message holds; see `decodeControlRequest`. */
export function readControlRequest(envelope: Envelope): Decoded<ControlMessage> {
  const body = decodeBody(envelope)
  if (!body.ok) return body
  const { value } = body
  if (!isRecord(value)) return wrong(`expected a control request, got ${kindOf(value)}`)
  const { method, destination } = value
  if (typeof method !== 'string' || method === '') return wrong(`expected "method", got ${kindOf(method)}`)
  if (destination !== null && destination !== undefined && !isTexts(destination))
    return wrong(`expected "destination" to be a list of node names, got ${kindOf(destination)}`)
  const ticket = value['ticket']
  return {
    ok: true,
    value: {
      method,
      arguments: isRecord(value['arguments']) ? value['arguments'] : {},
      destination: destination ?? null,
      ticket: typeof ticket === 'string' ? ticket : null,
      replyTo: replyAddress(value['reply_to']),
    },
  }
}

function replyAddress(value: unknown): ReplyAddress | null {
  if (!isRecord(value)) return null
  const { exchange, routing_key: routingKey } = value
  return typeof routingKey === 'string' && routingKey !== ''
    ? { exchange: typeof exchange === 'string' ? exchange : '', routingKey }
    : null
}

/** Writes a worker's answer: `{node: value}` under the request's ticket. */
export function encodeControlReply(
  reply: { readonly ticket: string | null; readonly node: string; readonly value: unknown },
  parts: { readonly deliveryTag: string; readonly to: ReplyAddress; readonly clock?: number },
): string {
  return encodeEnvelope({
    body: controlReplyBody(reply),
    headers: { ticket: reply.ticket, clock: parts.clock },
    exchange: parts.to.exchange,
    routingKey: parts.to.routingKey,
    deliveryTag: parts.deliveryTag,
  })
}

/** The JSON of an answer; the ticket goes into a header. */
export const controlReplyBody = (reply: { readonly node: string; readonly value: unknown }): string =>
  writePythonJson({ [reply.node]: reply.value ?? null })

/**
 * Reads a worker's answer. An answer that cannot be understood (pickle, another content type, broken JSON) is still an answer:
 * it comes as `ok: false` with a text that says so, so that nobody takes the worker for dead. Fails only when the envelope
 * itself cannot be read. Never throws.
 */
export function decodeControlReply(text: string): Decoded<ControlReplyMessage> {
  const opened = decodeEnvelope(text)
  return opened.ok ? readControlReply(opened.value) : opened
}

/** The answer that a message holds; see `decodeControlReply`. */
export function readControlReply(envelope: Envelope): Decoded<ControlReplyMessage> {
  const ticket = typeof envelope.headers['ticket'] === 'string' ? envelope.headers['ticket'] : null
  const replies = (list: readonly NodeReply[]): Decoded<ControlReplyMessage> => ({
    ok: true,
    value: { ticket, replies: list },
  })
  const body = decodeBody(envelope)
  if (!body.ok)
    return replies([
      {
        node: nodeInPickle(envelope),
        ok: false,
        error: unreadable(envelope, body.detail),
        ...(body.reason === 'unsupported_content_type' ? { serializer: serializerOf(envelope) } : {}),
      },
    ])
  if (!isRecord(body.value)) {
    const error = `expected {node: answer}, got ${kindOf(body.value)}`
    return replies([{ node: UNKNOWN_NODE, ok: false, error }])
  }
  return replies(Object.entries(body.value).map(([node, value]) => nodeReply(node, value)))
}

function nodeReply(node: string, value: unknown): NodeReply {
  if (isRecord(value) && typeof value['error'] === 'string' && Object.keys(value).length === 1)
    return { node, ok: false, error: value['error'].slice(0, MAX_ERROR_LENGTH) }
  return { node, ok: true, value }
}

/** A name fit to be shown; whoever answers may have written anything. */
function serializerOf({ compression, contentType }: Envelope): string {
  const name = compression ?? contentType ?? ''
  return /^[\w.+/-]{1,60}$/.test(name) ? name : UNKNOWN_NODE
}

function unreadable(envelope: Envelope, detail: string): string {
  return isPickled(envelope)
    ? 'This worker answers in pickle, which is never executed here; set task_serializer to json on it.'
    : `The answer could not be read: ${detail}.`
}

/**
 * The node that a pickled `{node: answer}` names: the first short string after a protocol-4 dictionary's opening. Opcodes are
 * looked at, never executed (Python `pickletools`: PROTO, FRAME, EMPTY_DICT, MEMOIZE, SHORT_BINUNICODE).
 */
function nodeInPickle(envelope: Envelope): string {
  const bytes = isPickled(envelope) ? bodyBytes(envelope) : undefined
  // eslint-disable-next-line no-control-regex
  const opening = /^\u0080[\u0004\u0005](?:\u0095[\s\S]{8})?\}(?:\u0094|q[\s\S])?\(?\u008c([\s\S])/.exec(
    bytes ?? '',
  )
  if (bytes === undefined || opening === null) return UNKNOWN_NODE
  const name = bytes.slice(opening[0].length, opening[0].length + (opening[1]?.charCodeAt(0) ?? 0))
  return /^[\x21-\x7e]+$/.test(name) ? name : UNKNOWN_NODE
}

const wrong = (detail: string): Decoded<never> => ({ ok: false, reason: 'bad_body', detail })

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(part => typeof part === 'string')
