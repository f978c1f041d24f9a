import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FINDING_CODES } from './index.ts'
import { one, type Play, play, W } from './stage.case.ts'

describe('a healthy fleet raises no finding', () => {
  test.each<[string, Play]>([
    ['two workers, events, heartbeats, answers', {}],
    ['one worker', { workers: [{ name: 'w1@a' }] }],
    ['an hour of it', { seconds: 3600 }],
    [
      'a backlog that was sent before we came is worked off',
      {
        depths: { reports: 500 },
        sent: () => false,
      },
    ],
    ['a key was evicted long before we came', { server: { evictedKeysTotal: 7 } }],
    [
      'a policy that evicts, without a limit to reach',
      {
        server: { maxmemoryPolicy: 'allkeys-lru', memoryMaxBytes: 0 },
      },
    ],
    ['many queues of which one is empty and unread', { depths: { reports: 3, legacy: 0 } }],
    [
      'the old Celery, the old pool, and no threads',
      {
        workers: [
          { name: 'w1@a', version: '5.2.6' },
          { name: 'w2@a', pool: 'solo' },
        ],
      },
    ],
    [
      'threads in a Celery that is mended',
      { workers: [{ name: 'w1@a', pool: 'threads', version: '5.7.0' }] },
    ],
    [
      'celery inspect was killed once',
      {
        each: seen => seen.controlKeys([{ kind: 'reply', orphan: true, keys: 2, bytes: 900 }]),
      },
    ],
    [
      'a redelivery after a crash',
      {
        redeliveries: [{ task: 't', queue: 'reports', most: 1, id: 'x' }],
      },
    ],
    ['a worker restarted', { workers: [{ name: 'w1@a', pids: [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2] }] }],
    ['tasks parked by RabbitMQ', { depths: { reports: 0, celery_delayed_3: 9 } }],
    [
      'events of a program of its own',
      {
        each: (seen, _, nowMs) =>
          seen.heard({ events: 0, problems: [{ reason: 'unknown_type' }], changes: [] }, nowMs),
      },
    ],
  ])('%s', (_, part) => {
    expect(play(part).codes).toEqual([])
  })

  test('only that it is not known yet whether workers send task events is said of an idle fleet', () => {
    expect(one({ tasks: [] })).toMatchObject({ code: 'task-events-unproven', level: 'info' })
  })

  test('and what can be seen is said', () => {
    const { all } = play()
    expect(all.map(({ code }) => code)).toEqual([
      'connected',
      'queues-visible',
      'workers-visible',
      'events-visible',
    ])
    expect(all[0]?.title).toBe('Connected to redis 7.2.4, which answers in 0.3 ms.')
    expect(all[2]?.title).toBe(
      '2 workers: w1@a (Celery 5.6.3, prefork, 4 slots), w2@a (Celery 5.6.3, prefork, 4 slots).',
    )
  })
})

describe('nobody is there', () => {
  test('on a server without a fleet', () => {
    const { all, codes } = play({
      workers: [],
      tasks: [],
      depths: {},
      server: { blockedConsumers: 0 },
    })
    expect(codes).toEqual(['no-workers', 'no-queue'])
    expect(all[0]?.fix).toMatch(/celery -A yourapp worker -E\. If some run, compare the database number/)
  })

  test.each([
    ['/3.celeryev/', /a broker URL that ends in \/3\./],
    [
      'app1:/0.celeryev/',
      /a broker URL that ends in \/0 and --broker-transport-option global_keyprefix=app1:\./,
    ],
    ['/0.ev/', /ends in \/0 and --broker-transport-option event_exchange=ev/],
    ['celeryev/', /--broker-transport-option fanout_prefix=false\./],
    ['shop/celeryev/', /Take over broker_transport_options/],
  ])('but events are heard at %s', (place, fix) => {
    const { all, codes } = play({
      workers: [],
      tasks: [],
      depths: { q: 0 },
      each: seen => seen.elsewhere([place]),
    })
    expect(codes).toEqual(['wrong-namespace'])
    expect(all[0]?.title).toContain(place)
    expect(all[0]?.fix).toMatch(fix)
  })

  test('but somebody waits for messages: that may be a worker which says nothing', () => {
    const { all, codes } = play({ workers: [], tasks: [] })
    expect(codes).toEqual(['workers-silent'])
    expect(all[0]?.fix).toMatch(/\(-E\) or answer questions \(worker_enable_remote_control = True\)/)
  })

  test('and a queue keeps its messages: nobody is there, whoever waits elsewhere on this server', () => {
    expect(play({ workers: [], tasks: [], depths: { reports: 3 } }).codes).toEqual([
      'no-workers',
      'queue-without-consumer',
    ])
  })

  test('while the broker is away only that is said', () => {
    const { all } = play({
      connection: { state: 'connecting', error: { message: 'Nothing listens.', hint: 'Start it.' } },
    })
    expect(all).toMatchObject([{ code: 'broker-unreachable', title: 'Nothing listens.', fix: 'Start it.' }])
  })
})

test('a worker that sends nothing at all is found because tasks that were sent vanish', () => {
  const { all, codes } = play({ workers: [W('w1@a', { beats: false, taskEvents: false })] })
  expect(codes).toEqual(['task-events-off', 'heartbeats-off'])
  expect(all[0]).toMatchObject({
    title: 'The only worker sends no task events: w1@a.',
    fix: 'Start them with -E, or set worker_send_task_events = True.',
    evidence: expect.stringMatching(
      /^1\d tasks left the queues, and no event told who took them\.$/,
    ) as string,
  })
})

test('a worker without heartbeats that sends task events is only said to have no heartbeats', () => {
  expect(play({ workers: [W('w1@a', { beats: false })], seconds: 40 }).codes).toEqual(['heartbeats-off'])
})

test('a worker whose events are off is cleared by its first task event', () => {
  let events = false
  const part: Play = {
    seconds: 20,
    workers: [
      {
        name: 'w1@a',
        get taskEvents() {
          return events
        },
      },
    ],
    each(_, second) {
      if (second === 15) events = true
    },
  }
  expect(play(part).codes).toEqual([])
  events = false
  expect(play({ ...part, seconds: 14 }).codes).toEqual(['task-events-off'])
})

test('every finding has a title on one line, and what is wrong or missing has a cost and a fix', () => {
  fc.assert(
    fc.property(
      fc.record({
        workers: fc.array(
          fc.record({
            name: fc.constantFrom('w1@a', 'w2@a', 'w3@b'),
            beats: fc.boolean(),
            taskEvents: fc.boolean(),
            answers: fc.constantFrom('json' as const, 'pickle' as const, 'none' as const),
            pool: fc.constantFrom('prefork', 'threads', 'solo'),
            queues: fc.constantFrom(['reports'], [], ['other']),
          }),
          { maxLength: 3 },
        ),
        sent: fc.boolean().map(sent => () => sent),
        depths: fc.constantFrom({}, { reports: 0 }, { reports: 9, other: 2 }),
        transport: fc.constantFrom('redis', 'amqp', 'memory'),
        places: fc.constantFrom([], ['/1.celeryev/'], ['a', 'b', 'c']),
      }),
      ({ transport, places, ...part }) => {
        const { all } = play({
          ...part,
          seconds: 12,
          connection: { transport },
          each: seen => seen.elsewhere(places),
        })
        for (const { code, level, title, cost, fix } of all) {
          expect(FINDING_CODES).toContain(code)
          expect(title).toMatch(/^\S.*\.$/)
          expect(title).not.toMatch(/undefined|NaN|null| {2}/)
          if (level === 'wrong' || level === 'missing') {
            expect(cost).toMatch(/\.$/)
            expect(fix).not.toBeNull()
          }
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('the documentation names every finding', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'findings.md'), 'utf8')
  expect(FINDING_CODES.filter(code => !page.includes(`\`${code}\``))).toEqual([])
})
