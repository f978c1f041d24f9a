import { crc32 } from 'node:zlib'
import type { Message, Options } from 'amqplib'
import { encodeEnvelope, type Envelope, type RawEventMessage } from '../../celery/index.ts'

const JSON_TYPE = 'application/json'

/** How Celery publishes JSON (celery-wire.md section 4). */
export const JSON_PROPERTIES = {
  contentType: JSON_TYPE,
  contentEncoding: 'utf-8',
  priority: 0,
} as const satisfies Options.Publish

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const headersOf = (message: Message): Readonly<Record<string, unknown>> => message.properties.headers ?? {}

/** A message as kombu's envelope would hold it: JSON as text, everything else as base64, so that it can still be named. */
export function envelopeOf(message: Message): Envelope {
  const { content, properties } = message
  const headers = headersOf(message)
  const contentType = textOrNull(properties.contentType)
  const isText = contentType === null || contentType === JSON_TYPE
  return {
    body: content.toString(isText ? 'utf8' : 'base64'),
    bodyEncoding: isText ? null : 'base64',
    contentType,
    contentEncoding: textOrNull(properties.contentEncoding),
    compression: textOrNull(headers['compression']),
    headers,
    properties: {
      correlation_id: properties.correlationId as unknown,
      reply_to: properties.replyTo as unknown,
      delivery_mode: properties.deliveryMode as unknown,
      priority: properties.priority as unknown,
      expiration: properties.expiration as unknown,
    },
  }
}

/**
 * A message of the event exchange as it is handed over: its body, which is the JSON itself. A body that is no JSON by its own word
 * keeps its type instead, so that the decoder can say what it is.
 */
export function rawEvent(message: Message, receivedAtMs: number): RawEventMessage {
  const contentType = textOrNull(message.properties.contentType)
  const compression = headersOf(message)['compression']
  const { exchange, routingKey } = message.fields
  const channel = `${exchange}/${routingKey}`
  if ((contentType === null || contentType === JSON_TYPE) && compression === undefined)
    return { form: 'body', payload: message.content.toString(), receivedAtMs, channel }
  const payload = encodeEnvelope({
    body: '',
    contentType: contentType ?? JSON_TYPE,
    headers: { compression, hostname: headersOf(message)['hostname'] },
    exchange,
    routingKey,
    deliveryTag: '',
  })
  return { form: 'envelope', payload, receivedAtMs, channel }
}

/** A whole number of at most 52 bits that two different messages hardly ever share: checksum and length of the body. */
export const fingerprintOf = ({ content }: Message): number =>
  crc32(content) * 0x100000 + (content.length & 0xfffff)
