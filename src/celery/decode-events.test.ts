import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeEventMessage,
  type DecodedEvents,
  encodeEnvelope,
  encodeEvents,
  type EventFields,
} from './index.ts'

const folder = fileURLToPath(new URL('../../test/fixtures/wire/', import.meta.url))
const payloads = readdirSync(folder)
  .filter(file => file.startsWith('redis'))
  .flatMap(file =>
    readFileSync(folder + file, 'utf8')
      .trim()
      .split('\n'),
  )
  .flatMap(line => {
    const { channel, payload } = JSON.parse(line) as { channel?: string; payload?: string }
    return channel?.includes('celeryev') && payload !== undefined ? [payload] : []
  })

const decode = (payload: string, options?: { maxBytes?: number }): DecodedEvents =>
  decodeEventMessage({ form: 'envelope', payload, receivedAtMs: 0 }, options)

const wrap = (body: string, more: Partial<Parameters<typeof encodeEnvelope>[0]> = {}): string =>
  encodeEnvelope({ body, exchange: 'celeryev', routingKey: 'task.multi', deliveryTag: 'x', ...more })

const reasons = (payload: string): readonly string[] =>
  decode(payload).problems.map(problem => problem.reason)

const started = {
  hostname: 'w1@h',
  utcoffset: 0,
  pid: 1,
  clock: 7,
  uuid: 'u',
  timestamp: 1.5,
  type: 'task-started',
}
const sent = { ...started, type: 'task-sent', name: 't', queue: 'q', retries: 0, eta: null, args: 'SECRET' }

/** Encodes one event and returns what comes out of it. */
const one = (event: EventFields): unknown => {
  const { events, problems } = decode(encodeEvents(event, { deliveryTag: 'x' }).payload)
  return events[0] ?? problems[0]
}

test('who sent what is skipped is told: by the event, else by its envelope, else it is not known', () => {
  const headers = { hostname: 'w2@h' }
  const senders = (payload: string): readonly (string | null)[] =>
    decode(payload).problems.map(problem => problem.sender)
  expect(senders(wrap(JSON.stringify([{ ...started, type: 'dream' }, 5]), { headers }))).toEqual([
    'w1@h',
    'w2@h',
  ])
  expect(senders(wrap('no json', { headers }))).toEqual(['w2@h'])
  expect(senders(wrap(JSON.stringify({ ...started, hostname: 'x'.repeat(5000) })))).toEqual(['x'.repeat(200)])
  expect(senders('hello')).toEqual([null])
  const body = JSON.stringify({ ...started, type: 'dream' })
  expect(decodeEventMessage({ form: 'body', payload: body, receivedAtMs: 0 }).problems).toMatchObject([
    { sender: 'w1@h' },
  ])
})

describe('messages that are wrong become problems', () => {
  const base64 = Buffer.from(JSON.stringify(started)).toString('base64')
  test.each<[string, string, string]>([
    ['text that is no JSON', 'hello', 'not_json'],
    ['an empty payload', '', 'not_json'],
    ['JSON that is no envelope', '{"a": 1}', 'not_an_envelope'],
    ['an envelope that is a list', '[1, 2]', 'not_an_envelope'],
    ['an envelope that is null', 'null', 'not_an_envelope'],
    ['a body that is null', '{"body": null}', 'bad_body'],
    ['a body that is an object', '{"body": {}}', 'bad_body'],
    ['a body that is a number', wrap('5'), 'not_an_event'],
    ['a body that holds null', wrap('null'), 'not_an_event'],
    ['a list of numbers', wrap('[5]'), 'not_an_event'],
    ['a list in a list', wrap('[[]]'), 'not_an_event'],
    ['a body that is no JSON', wrap('hello'), 'bad_body'],
    ['a body that is cut short', wrap(JSON.stringify(started).slice(0, 30)), 'bad_body'],
    ['bad base64 characters', wrap('{}').replace(/^\{"body": "/, '{"body": "*!'), 'bad_body'],
    ['pickle', wrap('x', { contentType: 'application/x-python-serialize' }), 'unsupported_content_type'],
    ['an unknown content type', wrap('x', { contentType: 'application/x-yaml' }), 'unsupported_content_type'],
    [
      'a compressed body',
      wrap('x', { headers: { compression: 'application/x-gzip' } }),
      'unsupported_content_type',
    ],
    ['no type', wrap('{"hostname": "w@h", "timestamp": 1}'), 'missing_field'],
    ['a type that is a number', wrap('{"type": 3}'), 'bad_field'],
    ['an unknown type', wrap(JSON.stringify({ ...started, type: 'worker-elect' })), 'unknown_type'],
    ['a type named like a method', wrap(JSON.stringify({ ...started, type: 'constructor' })), 'unknown_type'],
    ['no uuid', wrap(JSON.stringify({ ...started, uuid: undefined })), 'missing_field'],
    ['no hostname', wrap(JSON.stringify({ ...started, hostname: undefined })), 'missing_field'],
    ['no timestamp', wrap(JSON.stringify({ ...started, timestamp: undefined })), 'missing_field'],
    ['a timestamp that is text', wrap(JSON.stringify({ ...started, timestamp: '1.5' })), 'bad_field'],
    ['a timestamp beyond time', wrap(JSON.stringify({ ...started, timestamp: 1e300 })), 'bad_field'],
    [
      'an infinite timestamp',
      wrap('{"hostname": "w@h", "timestamp": Infinity, "type": "task-started", "uuid": "u"}'),
      'bad_field',
    ],
    ['a uuid that is a number', wrap(JSON.stringify({ ...started, uuid: 5 })), 'bad_field'],
    ['an endless hostname', wrap(JSON.stringify({ ...started, hostname: 'w'.repeat(5000) })), 'bad_field'],
    ['an empty hostname', wrap(JSON.stringify({ ...started, hostname: '' })), 'bad_field'],
    ['no name', wrap(JSON.stringify({ ...sent, name: undefined })), 'missing_field'],
    ['a queue that is a list', wrap(JSON.stringify({ ...sent, queue: [] })), 'bad_field'],
    ['an eta that is a number', wrap(JSON.stringify({ ...sent, eta: 5 })), 'bad_field'],
    ['a name with half a character', wrap(JSON.stringify({ ...sent, name: 'x\ud800' })), 'bad_field'],
    [
      'half a character in a plain body',
      wrap('', { bodyEncoding: null }).replace(
        '"body": ""',
        `"body": ${JSON.stringify(JSON.stringify(started).replace('w1@h', 'w\ud800'))}`,
      ),
      'bad_field',
    ],
    [
      'a truncated envelope',
      `{"body": "${base64}", "content-encoding": "utf-8", "content-type": "appl`,
      'not_json',
    ],
  ])('%s', (_, payload, reason) => {
    const { events, problems } = decode(payload)
    expect(events).toEqual([])
    expect(problems).toHaveLength(1)
    expect(problems[0]?.reason).toBe(reason)
    expect(problems[0]?.detail.length).toBeGreaterThan(5)
    expect(problems[0]?.detail.length).toBeLessThanOrEqual(200)
  })

  test('an event of 10 MB is skipped without being parsed', () => {
    const payload = wrap(JSON.stringify({ ...started, args: 'x'.repeat(10_000_000) }))
    const began = performance.now()
    expect(reasons(payload)).toEqual(['too_large'])
    expect(performance.now() - began).toBeLessThan(5)
    expect(decode(payload, { maxBytes: 20_000_000 }).events).toHaveLength(1)
  })

  test('a batch without end is one problem', () => {
    expect(reasons(wrap(`[${'1,'.repeat(400_000)}1]`))).toEqual(['too_large'])
    expect(reasons(wrap(`[${'1,'.repeat(100)}1]`))).toHaveLength(101)
  })

  test('a bad event of a batch does not spoil the good ones', () => {
    const { events, problems } = decode(
      wrap(JSON.stringify([started, 5, { ...started, uuid: 'v' }, { type: 'x' }])),
    )
    expect(events.map(event => 'uuid' in event && event.uuid)).toEqual(['u', 'v'])
    expect(problems.map(problem => problem.reason)).toEqual(['not_an_event', 'unknown_type'])
  })

  test('no problem says what is in a message', () => {
    const { problems } = decode(
      wrap(
        JSON.stringify([
          { ...sent, retries: 'SECRET' },
          { ...sent, eta: ['SECRET'] },
        ]),
      ),
    )
    expect(problems).toHaveLength(2)
    expect(JSON.stringify(problems)).not.toContain('SECRET')
  })
})

describe('what is missing is completed with what means "not said"', () => {
  test('an empty batch is legal', () => {
    expect(decode(wrap('[]'))).toEqual({ events: [], problems: [] })
  })

  test('a clock that is null, missing or odd is null', () => {
    for (const clock of [null, undefined, 'x'])
      expect(one({ ...started, clock })).toMatchObject({ clock: null })
    expect(one(started)).toMatchObject({ clock: 7 })
  })

  test('a run time that is null, missing or impossible is null', () => {
    const succeeded = { ...started, type: 'task-succeeded' }
    for (const runtime of [null, undefined, -1, Infinity])
      expect(one({ ...succeeded, runtime })).toMatchObject({ runtime: null })
    expect(one({ ...succeeded, runtime: 'long' })).toMatchObject({ reason: 'bad_field' })
    expect(one({ ...succeeded, runtime: 0.25 })).toMatchObject({ runtime: 0.25 })
  })

  test('a failure without exception has an empty one', () => {
    expect(one({ ...started, type: 'task-failed' })).toMatchObject({ exception: '' })
    expect(one({ ...started, type: 'task-retried', exception: null, traceback: null })).toEqual({
      ...started,
      type: 'task-retried',
      exception: '',
    })
  })

  test('a heartbeat that somebody asked for says nothing of active and processed', () => {
    const heartbeat = { hostname: 'w@h', timestamp: 1, type: 'worker-heartbeat', freq: 5, clock: 1 }
    expect(one(heartbeat)).toEqual(heartbeat)
    expect(one({ ...heartbeat, active: null, processed: null, sw_ver: 7 })).toEqual(heartbeat)
    expect(one({ ...heartbeat, active: 'many' })).toMatchObject({ reason: 'bad_field' })
    expect(one({ ...heartbeat, freq: undefined })).toMatchObject({ freq: 60 })
  })

  test('the other types get their fields', () => {
    expect(one({ ...sent, queue: undefined, retries: null, eta: undefined, root_id: 5 })).toMatchObject({
      queue: null,
      retries: 0,
      eta: null,
      root_id: null,
    })
    expect(one({ ...started, type: 'task-rejected' })).toMatchObject({ requeue: false })
    expect(one({ ...started, type: 'task-revoked', terminated: true, expired: null })).toMatchObject({
      terminated: true,
      expired: false,
    })
    expect(one({ ...started, type: 'task-cancelled' })).toMatchObject({ uuid: 'u' })
  })

  test('names may hold anything else: NUL, emoji, other scripts', () => {
    for (const name of ['\u0000', '😀.задача', '名前'])
      for (const bodyEncoding of ['base64', null] as const) {
        const payload = wrap(JSON.stringify({ ...sent, name }), { bodyEncoding })
        expect(decode(payload)).toMatchObject({ events: [{ name }], problems: [] })
      }
  })

  test('bare NaN and Infinity of Python are read', () => {
    const body =
      '[{"hostname": "w@h", "timestamp": 1, "type": "task-started", "uuid": "NaN", "clock": NaN, "x": [-Infinity]}]'
    expect(decode(wrap(body))).toMatchObject({
      events: [{ uuid: 'NaN', clock: null, x: [-Infinity] }],
      problems: [],
    })
  })
})

describe('properties', () => {
  const name = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  const common = {
    hostname: name,
    timestamp: fc.double({ min: 0, max: 4e9, noNaN: true }),
    clock: fc.option(fc.nat()),
    pid: fc.nat(),
  }
  const event = fc.oneof(
    fc.record({ ...common, type: fc.constant('task-started'), uuid: fc.uuid() }),
    fc.record({
      ...common,
      type: fc.constant('task-failed'),
      uuid: fc.uuid(),
      exception: fc.string(),
      traceback: fc.string({ unit: 'binary' }),
    }),
    fc.record({
      ...common,
      type: fc.constant('task-succeeded'),
      uuid: fc.uuid(),
      runtime: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    }),
    fc.record({
      ...common,
      type: fc.constant('worker-heartbeat'),
      freq: fc.double({ min: 0.1, max: 60, noNaN: true }),
      active: fc.nat(),
    }),
    fc.record({
      ...common,
      type: fc.constant('task-sent'),
      uuid: fc.uuid(),
      name,
      queue: fc.option(name),
      retries: fc.nat(),
      eta: fc.constant(null),
    }),
  )
  /** JSON knows no negative zero. */
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

  test('what is encoded is decoded, whole or cut into batches anywhere', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.nat(30), (events, cut) => {
        const parts = [events.slice(0, cut), events.slice(cut)].map(part =>
          decode(encodeEvents(part, { deliveryTag: 'x' }).payload),
        )
        const singles = events.map(single => decode(encodeEvents(single, { deliveryTag: 'x' }).payload))
        for (const decoded of [parts, singles]) {
          expect(decoded.flatMap(part => part.problems)).toEqual([])
          expect(decoded.flatMap(part => part.events)).toEqual(plain(events))
        }
      }),
    )
  })

  test('any mutation of real messages is decoded or reported, never thrown', () => {
    const mutation = fc.record({
      payload: fc.constantFrom(...payloads),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(20),
      text: fc.oneof(fc.string(), fc.constantFrom('"', '{', '}', '[', '\\', 'null', '\\ud800', '=')),
    })
    fc.assert(
      fc.property(mutation, ({ payload, at, length, text }) => {
        const start = Math.floor(at * payload.length)
        const { events, problems } = decode(payload.slice(0, start) + text + payload.slice(start + length))
        expect(Array.isArray(events) && Array.isArray(problems)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('any mutation inside the body is decoded or reported, never thrown', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...payloads),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(20),
        fc.string(),
        (payload, at, length, text) => {
          const body = Buffer.from((JSON.parse(payload) as { body: string }).body, 'base64').toString()
          const start = Math.floor(at * body.length)
          const changed = body.slice(0, start) + text + body.slice(start + length)
          const { events, problems } = decode(wrap(changed))
          expect(events.length + problems.length).toBeGreaterThanOrEqual(0)
          for (const decoded of events)
            expect(typeof decoded.hostname === 'string' && decoded.timestamp >= 0).toBe(true)
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('every truncation of a real message is reported', () => {
    for (const payload of payloads.slice(0, 10))
      for (let length = 0; length < payload.length; length++) {
        const { events, problems } = decode(payload.slice(0, length))
        expect([events.length, problems.length]).toEqual([0, 1])
      }
  })

  test('any JSON whatever is decoded or reported', () => {
    fc.assert(
      fc.property(fc.json(), json => {
        const decoded = [
          decode(json),
          decode(wrap(json)),
          decodeEventMessage({ form: 'body', payload: json, receivedAtMs: 0 }),
        ]
        expect(decoded.flatMap(({ events }) => events)).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })
})
