import { createClient } from '@redis/client'
import amqplib from 'amqplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { startRabbitmq } from '../servers/rabbitmq.ts'
import { startRedis } from '../servers/redis.ts'

/** The channel on which every probe is published. */
const CHANNEL = '/0.celeryev/task.multi'

const event = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  hostname: 'w1@probe',
  utcoffset: 0,
  pid: 1,
  clock: 1,
  timestamp: Date.now() / 1000,
  ...fields,
})

const envelope = (body: string, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    body: Buffer.from(body).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { hostname: 'w1@probe' },
    properties: { body_encoding: 'base64', delivery_mode: 1 },
    ...more,
  })

const wrapped = (fields: Readonly<Record<string, unknown>>): string => envelope(JSON.stringify(event(fields)))

const without = (field: string): string => {
  const { [field]: _left, ...rest } = event({ type: 'task-started', uuid: 'u' })
  return envelope(JSON.stringify(rest))
}

/** What is sent, and the reason under which it is skipped; null when it is understood all the same. */
const PROBES: readonly (readonly [what: string, payload: string, reason: string | null])[] = [
  ['JSON that is no envelope', '{"hello": "world"}', 'not_an_envelope'],
  ['an envelope that is a list', '[1, 2, 3]', 'not_an_envelope'],
  ['a body that is null', envelope('null'), 'not_an_event'],
  ['a body that is a number', envelope('42'), 'not_an_event'],
  ['a list of numbers', envelope('[7]'), 'not_an_event'],
  ['no type', without('type'), 'missing_field'],
  ['no uuid', without('uuid'), 'missing_field'],
  ['no hostname', without('hostname'), 'missing_field'],
  ['no timestamp', without('timestamp'), 'missing_field'],
  ['a timestamp that is text', wrapped({ type: 'task-started', uuid: 'u', timestamp: 'now' }), 'bad_field'],
  ['a clock that is null', wrapped({ type: 'task-started', uuid: 'null-clock', clock: null }), null],
  ['a failure without exception', wrapped({ type: 'task-failed', uuid: 'no-exception' }), null],
  ['a success whose runtime is null', wrapped({ type: 'task-succeeded', uuid: 'n', runtime: null }), null],
  ['text that is no JSON', 'celery \u0000 says hello', 'not_json'],
  ['an empty payload', '', 'not_json'],
  ['a body that is no JSON', envelope('not json'), 'bad_body'],
  ['a body cut short', envelope('{"type": "task-sta'), 'bad_body'],
  ['characters that are no base64', envelope('', { body: '****' }), 'bad_body'],
  ['an empty batch', envelope('[]'), null],
  [
    'a pickle',
    envelope('x', { 'content-type': 'application/x-python-serialize' }),
    'unsupported_content_type',
  ],
  ['an unknown content type', envelope('x', { 'content-type': 'text/odd' }), 'unsupported_content_type'],
  ['an unknown type', wrapped({ type: 'task-dreamt', uuid: 'u' }), 'unknown_type'],
  ['an unknown group', wrapped({ type: 'planet-aligned' }), 'unknown_type'],
  ['no clock', without('clock'), null],
  [
    'an event of 10 MB',
    wrapped({ type: 'task-succeeded', uuid: 'u', result: 'x'.repeat(10 << 20) }),
    'too_large',
  ],
  ['NUL and emoji in a name', wrapped({ type: 'task-received', uuid: 'odd', name: 'a\u0000b🙂' }), null],
]

/** The same on RabbitMQ, where a message is the body itself and its properties say what it is. */
function onRabbitmq(
  payload: string,
  reason: string | null,
): { content: Buffer; type: string; reason: string | null } {
  const json = 'application/json'
  let read: unknown
  try {
    read = JSON.parse(payload)
  } catch {
    return { content: Buffer.from(payload), type: json, reason }
  }
  if (typeof read !== 'object' || read === null || !('body' in read)) {
    // No envelope is missing here: the object is an event without a type, the list one of numbers.
    return {
      content: Buffer.from(Array.isArray(read) ? '[1]' : payload),
      type: json,
      reason: Array.isArray(read) ? 'not_an_event' : 'missing_field',
    }
  }
  const { body, 'content-type': type } = read as { body: string; 'content-type': string }
  return {
    content: Buffer.from(body, body === '****' ? 'utf8' : 'base64'),
    type,
    reason: reason === 'bad_body' ? 'not_json' : reason,
  }
}

/** A broker with a way to publish what no worker would; resolves when the broker has taken it. */
interface Stage {
  readonly url: string
  readonly reasons: readonly (string | null)[]
  publish(payload: string, reason: string | null): Promise<void>
  close(): Promise<void>
}

async function redisStage(): Promise<Stage> {
  const server = await startRedis()
  const client = createClient({ url: server.url })
  await client.connect()
  return {
    url: server.url,
    reasons: PROBES.map(([, , reason]) => reason),
    async publish(payload) {
      expect(await client.publish(CHANNEL, payload)).toBe(1)
    },
    async close() {
      client.destroy()
      await server.stop()
    },
  }
}

async function rabbitmqStage(): Promise<Stage> {
  const server = await startRabbitmq()
  const connection = await amqplib.connect(server.url)
  const channel = await connection.createConfirmChannel()
  return {
    url: server.url,
    reasons: PROBES.map(([, payload, reason]) => onRabbitmq(payload, reason).reason),
    async publish(payload, reason) {
      const { content, type } = onRabbitmq(payload, reason)
      channel.publish('celeryev', 'task.multi', content, { contentType: type, contentEncoding: 'utf-8' })
      await channel.waitForConfirms()
    },
    async close() {
      await connection.close()
      await server.stop()
    },
  }
}

describe.each([
  ['Redis', redisStage],
  ['RabbitMQ', rabbitmqStage],
])('%s', (_name, open) => {
  let stage: Stage
  let celeriac: RunningCeleriac
  beforeAll(async () => {
    stage = await open()
    celeriac = await startCeleriac(['start', '--broker', stage.url])
  }, 120_000)
  afterAll(async () => {
    await celeriac?.stop()
    await stage?.close()
  })

  const total = async (name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> =>
    (await celeriac.scrape())
      .filter(sample => sample.name === name)
      .filter(sample => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0)

  test('26 kinds of odd message are counted by reason, none is fatal and none costs the connection', async () => {
    expect(PROBES).toHaveLength(26)
    await eventually('connected', 20_000, async () =>
      (await total('celery_broker_up')) === 1 ? true : undefined,
    )
    for (const [, payload, reason] of PROBES) await stage.publish(payload, reason)
    for (let i = 0; i < 5; i++)
      await stage.publish(wrapped({ type: 'task-received', uuid: `good-${i}`, name: 'shop.good' }), null)
    await eventually('the good events', 20_000, async () =>
      (await total('celery_task_received_total', { task: 'shop.good' })) === 5 ? true : undefined,
    )
    const reasons = stage.reasons.filter(reason => reason !== null)
    for (const reason of new Set(reasons)) {
      expect(await total('celeriac_events_skipped_total', { reason }), reason).toBe(
        reasons.filter(each => each === reason).length,
      )
      expect(celeriac.log(), reason).toContain(`"reason":"${reason}"`)
    }
    expect(await total('celeriac_events_skipped_total')).toBe(reasons.length)
    // What is understood all the same: probes with one event each but for an empty batch, and the five good ones.
    expect(await total('celeriac_events_total')).toBe(PROBES.length - reasons.length - 1 + 5)
    expect(await total('celeriac_broker_connects_total')).toBe(1)
    expect((await celeriac.get('/-/healthy')).status).toBe(200)
  })
})
