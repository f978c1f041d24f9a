import { decodeBase64Text } from './base64.ts'
import { elementStarts, memberStart, stringAt } from './json-scan.ts'

/** Of a body only so many characters are looked at: protocol 1 puts the id before the arguments. A multiple of 4. */
const BODY_PREFIX = 4_096
const MAX_ID_LENGTH = 255

/**
 * The task id of a message as it lies in a queue: `headers.id` (protocol 2), else `id` in the body (protocol 1), else the
 * correlation id, which is the same; '' when none can be read. Neither arguments nor the rest of the envelope are parsed, so a
 * large message costs little more than its length. Never throws.
 */
export function taskIdOf(payload: string): string {
  const headers = memberStart(payload, 0, 'headers')
  return (
    idAt(payload, memberStart(payload, headers, 'id')) ||
    idInBody(payload) ||
    idAt(payload, memberStart(payload, memberStart(payload, 0, 'properties'), 'correlation_id'))
  )
}

function idInBody(payload: string): string {
  const body = stringAt(payload, memberStart(payload, 0, 'body'), BODY_PREFIX)
  if (body === undefined || body === '') return ''
  const text = body.startsWith('{') ? body : decodeBase64Text(body)
  return text === undefined ? '' : idAt(text, memberStart(text, 0, 'id'))
}

function idAt(text: string, at: number): string {
  const id = stringAt(text, at, MAX_ID_LENGTH + 1)
  return id === undefined || id.length > MAX_ID_LENGTH ? '' : id
}

/** Where an unacknowledged message came from. */
export interface UnackedOrigin {
  readonly exchange: string
  readonly routingKey: string
}

/**
 * The end of one value of kombu's hash `unacked`, which is `[message, exchange, routing_key]` (kombu `transport/redis.py`,
 * `QoS.append`); undefined for anything else. The message is passed over.
 */
export function unackedOrigin(value: string): UnackedOrigin | undefined {
  const [, exchangeAt = -1, routingKeyAt = -1] = elementStarts(value, 0, 3)
  const exchange = stringAt(value, exchangeAt)
  const routingKey = stringAt(value, routingKeyAt)
  return exchange === undefined || routingKey === undefined ? undefined : { exchange, routingKey }
}
