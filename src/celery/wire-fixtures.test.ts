import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  type CeleryEvent,
  decodeControlReply,
  decodeControlRequest,
  decodeEnvelope,
  decodeEventMessage,
  decodeTask,
  encodeEnvelope,
  encodeEvents,
  exceptionClass,
  type NameOptions,
  priorityOf,
  redisNames,
} from './index.ts'

interface WireRecord {
  readonly id: string
  readonly broker: 'redis' | 'amqp'
  readonly note?: string
  readonly channel?: string
  readonly payload?: string
  readonly argv?: readonly string[]
  readonly exchange?: string
  readonly routing_key?: string
  readonly properties?: {
    readonly headers?: Readonly<Record<string, unknown>>
    readonly content_type?: string
  }
}

const folder = fileURLToPath(new URL('../../test/fixtures/wire/', import.meta.url))
const records = readdirSync(folder)
  .filter(file => file.endsWith('.jsonl'))
  .flatMap(file =>
    readFileSync(folder + file, 'utf8')
      .trim()
      .split('\n'),
  )
  .map(line => JSON.parse(line) as WireRecord)

/** The fleet's settings under which a record was captured. */
function namesOf(record: WireRecord): NameOptions {
  if (record.id.includes('-db3-')) return { database: 3 }
  if (record.id.includes('-noprefix-')) return { fanoutPrefix: false }
  if (record.id.includes('-nopatterns-')) return { fanoutPatterns: false }
  if (record.id.includes('-keyprefix-')) return { globalKeyprefix: 'app1:', sep: ':', prioritySteps: [0, 5] }
  return {}
}

/** An AMQP message as kombu's envelope would carry it. */
const asEnvelope = (record: WireRecord): string =>
  encodeEnvelope({
    body: record.payload ?? '',
    contentType: record.properties?.content_type ?? 'application/json',
    headers: record.properties?.headers ?? {},
    exchange: record.exchange ?? '',
    routingKey: record.routing_key ?? '',
    deliveryTag: 'x',
  })

type Judged =
  'event' | 'request' | 'reply' | 'task' | 'binding' | 'result' | 'unacked' | 'subscription' | 'other'

/** What the name that a record was given says of it; undefined when it says nothing. */
function kindByName(id: string): Judged | undefined {
  if (/-event-|heartbeat-\d|task-sent-\d|-multi-|gevent|hard-time|after-outage/.test(id)) return 'event'
  return id.includes('pidbox-') && !id.includes('cmd-') ? 'request' : undefined
}

/** What a record is, by its names; judges it on the way. */
function judge(record: WireRecord): Judged {
  return record.broker === 'amqp'
    ? judgeAmqp(record)
    : record.argv
      ? judgeCommand(record, record.argv)
      : judgeChannel(record)
}

function judgeEvents(record: WireRecord, form: 'envelope' | 'body'): Judged {
  const decoded = decodeEventMessage({ form, payload: record.payload ?? '', receivedAtMs: 0 })
  expect(decoded.problems).toEqual([])
  expect(decoded.events.length > 0).toBe(!record.id.includes('-multi-empty'))
  for (const event of decoded.events) judgeEvent(event)
  return 'event'
}

function judgeEvent(event: CeleryEvent): void {
  expect(event.hostname).toMatch(/.@./)
  expect(event.timestamp).toBeGreaterThan(1.7e9)
  if ('uuid' in event) expect(event.uuid).toMatch(/^[0-9a-f-]{36}$/)
  if (event.type === 'task-failed')
    expect(exceptionClass(event.exception, event.traceback)).toMatch(
      /^(ValueError|\w+LimitExceeded|WorkerLostError)$/,
    )
}

const judgeRequest = (text: string): Judged => {
  expect(decodeControlRequest(text)).toMatchObject({
    ok: true,
    value: { method: expect.stringMatching(/^[a-z_]+$/) as string },
  })
  return 'request'
}

const judgeReply = (text: string): Judged => {
  const decoded = decodeControlReply(text)
  expect(decoded.ok && decoded.value.replies.map(reply => reply.node)).toEqual(['w1@hostA'])
  expect(decoded.ok && decoded.value.ticket).toMatch(/^[0-9a-f-]{36}$/)
  return 'reply'
}

const judgeTask = (text: string): Judged => {
  const decoded = decodeTask(text)
  expect(decoded.ok && decoded.value.headers).toMatchObject({ lang: 'py' })
  expect(decoded.ok && decoded.value.body).toHaveLength(3)
  return 'task'
}

function judgeChannel(record: WireRecord): Judged {
  const names = redisNames(namesOf(record))
  const channel = record.channel ?? ''
  if (names.isEventChannel(channel)) {
    const routingKey = channel.split('/').at(-1) ?? ''
    if (!record.id.includes('-nopatterns-')) expect(names.eventChannel(routingKey)).toBe(channel)
    return judgeEvents(record, 'envelope')
  }
  if (channel === names.controlChannel) return judgeRequest(record.payload ?? '')
  expect(channel).toMatch(/^celery-task-meta-/)
  return 'result'
}

function judgeCommand(record: WireRecord, [command = '', key = '', value = '']: readonly string[]): Judged {
  const names = redisNames(namesOf(record))
  switch (command) {
    case 'LPUSH': {
      if (key.includes('.reply.celery.pidbox')) return judgeReply(value)
      const task = decodeTask(value)
      const queue = task.ok && (task.value.properties['delivery_info'] as { routing_key: string }).routing_key
      expect(names.queueList(String(queue), task.ok ? priorityOf(task.value) : NaN)).toBe(key)
      expect(names.queueLists(String(queue))).toContain(key)
      return judgeTask(value)
    }
    case 'SADD':
    case 'SREM': {
      expect(key.startsWith(names.bindingPrefix)).toBe(true)
      expect(names.bindingKey(key.slice(names.bindingPrefix.length))).toBe(key)
      const binding = names.parseBinding(value)
      expect(binding?.queue).toMatch(/\S/)
      expect(binding && names.bindingMember(binding)).toBe(value)
      return 'binding'
    }
    case 'PSUBSCRIBE':
      expect([names.controlChannel, names.eventPatterns[0]?.replace('*', 'worker.*')]).toContain(key)
      return 'subscription'
    case 'HSET': {
      const [message, exchange, routingKey] = JSON.parse(record.argv?.[3] ?? '') as [unknown, string, string]
      expect([typeof exchange, typeof routingKey]).toEqual(['string', 'string'])
      judgeTask(JSON.stringify(message))
      return 'unacked'
    }
    case 'SETEX':
      expect(decodeTask(record.argv?.[3] ?? '').ok).toBe(false)
      return 'result'
    default:
      expect(command).toMatch(
        /^(ZADD|ZREM|ZREVRANGEBYSCORE|HDEL|SET|DEL|SUNSUBSCRIBE|UNSUBSCRIBE|PUNSUBSCRIBE)$/,
      )
      return 'other'
  }
}

function judgeAmqp(record: WireRecord): Judged {
  if (record.exchange === 'celeryev') return judgeEvents(record, 'body')
  if (record.exchange === 'celery.pidbox') return judgeRequest(asEnvelope(record))
  if (record.exchange === 'reply.celery.pidbox') return judgeReply(asEnvelope(record))
  if (record.id.includes('-rpc-result-')) return 'result'
  return judgeTask(asEnvelope(record))
}

describe('recorded messages of real workers', () => {
  test('there are as many as were recorded', () => {
    expect(records).toHaveLength(347)
  })

  test.each(records.map(record => [record.id, record] as const))('%s is understood', (id, record) => {
    const judged = judge(record)
    expect(judged).toBe(kindByName(id) ?? judged)
  })

  test('every kind of record was met', () => {
    const kinds = new Set(records.map(judge))
    expect([...kinds].sort()).toEqual(
      ['binding', 'event', 'other', 'reply', 'request', 'result', 'subscription', 'task', 'unacked'].sort(),
    )
  })

  const envelopes = records.flatMap(record => {
    if (record.broker !== 'redis') return []
    const text = record.payload ?? record.argv?.find(word => word.startsWith('{"body"'))
    return text?.startsWith('{"body"') ? [[record.id, text] as const] : []
  })

  test.each(envelopes)('the envelope of %s comes out byte for byte when written again', (_, text) => {
    const decoded = decodeEnvelope(text)
    if (!decoded.ok) throw new Error(decoded.detail)
    const { delivery_mode, delivery_info, priority, body_encoding, delivery_tag, ...rest } = decoded.value
      .properties as {
      delivery_mode: 1 | 2
      delivery_info: { exchange: string; routing_key: string }
      priority: number
      body_encoding: 'base64'
      delivery_tag: string
    }
    expect(
      encodeEnvelope({
        // Written again from the text, so that base64 is exercised as well.
        body: Buffer.from(decoded.value.body, 'base64').toString('utf8'),
        bodyEncoding: body_encoding,
        headers: decoded.value.headers,
        properties: rest,
        exchange: delivery_info.exchange,
        routingKey: delivery_info.routing_key,
        deliveryTag: delivery_tag,
        deliveryMode: delivery_mode,
        priority,
      }),
    ).toBe(text)
  })

  test('every event is the same from the fast path, the full parser, a bare body, and inside a batch', () => {
    let seen = 0
    for (const record of records) {
      if (record.broker !== 'redis' || record.payload === undefined || record.argv) continue
      const { payload } = record
      if (!redisNames(namesOf(record)).isEventChannel(record.channel ?? '')) continue
      const fast = decodeEventMessage({ form: 'envelope', payload, receivedAtMs: 0 })
      const compact = JSON.stringify(JSON.parse(payload))
      expect(decodeEventMessage({ form: 'envelope', payload: compact, receivedAtMs: 0 })).toEqual(fast)
      const body = Buffer.from((JSON.parse(payload) as { body: string }).body, 'base64').toString()
      expect(decodeEventMessage({ form: 'body', payload: body, receivedAtMs: 0 })).toEqual(fast)
      const batch = encodeEvents(
        fast.events.map(event => ({ ...event })),
        { deliveryTag: 'x' },
      )
      expect(decodeEventMessage({ form: 'envelope', payload: batch.payload, receivedAtMs: 0 })).toEqual(fast)
      seen++
    }
    expect(seen).toBeGreaterThan(60)
  })

  test('the classes behind hard limits and lost children come from the traceback', () => {
    const classes = records
      .filter(record => record.id.includes('hard-time-limit'))
      .flatMap(
        record =>
          decodeEventMessage({ form: 'envelope', payload: record.payload ?? '', receivedAtMs: 0 }).events,
      )
      .flatMap(event =>
        event.type === 'task-failed' ? [exceptionClass(event.exception, event.traceback)] : [],
      )
    expect(classes.sort()).toEqual([
      'SoftTimeLimitExceeded',
      'TimeLimitExceeded',
      'TimeLimitExceeded',
      'WorkerLostError',
      'WorkerLostError',
    ])
  })
})
