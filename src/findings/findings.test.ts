import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FINDING_CODES } from './index.ts'
import { type Play, play } from './stage.case.ts'

const one = (part: Play): ReturnType<typeof play>['all'][number] => {
  const { all, codes } = play(part)
  expect(codes).toHaveLength(1)
  return all.find(({ level }) => level !== 'ok')!
}

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

const W = (name: string, rest: object = {}): { name: string } => ({ name, ...rest })

/** Each change of a healthy fleet is found, and nothing else is. */
describe('one thing wrong is one finding', () => {
  test.each<[string, Play, RegExp, RegExp]>([
    [
      'task-events-off',
      { workers: [W('w1@a', { taskEvents: false }), W('w2@a', { taskEvents: false })], sent: () => false },
      /^All 2 workers send no task events: w1@a, w2@a\.$/,
      /-E, or set worker_send_task_events = True.*control enable_events, or let Celeriac ask with --enable-events/,
    ],
    [
      'task-events-off',
      { workers: [W('w1@a'), W('w2@a', { taskEvents: false }), W('w3@a')] },
      /^1 of 3 workers sends no task events: w2@a\.$/,
      /-E/,
    ],
    [
      'no-events',
      {
        workers: [W('w1@a', { beats: false, taskEvents: false })],
        sent: () => false,
        depths: { reports: 9 },
      },
      /^1 worker answered/,
      /-E/,
    ],
    ['sent-events-off', { sent: () => false }, /no task-sent event was heard/, /task_send_sent_event = True/],
    [
      'sent-events-off',
      { tasks: ['shop.pay', 'shop.mail'], sent: task => task === 'shop.pay' },
      /no task-sent event for shop\.mail\./,
      /These do already: web-1\./,
    ],
    [
      'heartbeats-off',
      { workers: [W('w1@a'), W('w2@a', { view: { heartbeats: false } })] },
      /^1 of 2 workers sends no heartbeats: w2@a\.$/,
      /without --without-heartbeat\. --without-gossip costs nothing/,
    ],
    [
      'no-events',
      { workers: [W('w1@a', { beats: false, taskEvents: false })], sent: () => false },
      /^1 worker answered, and no event was heard/,
      /-E and without --without-heartbeat.*event_exchange=NAME/,
    ],
    [
      'remote-control-off',
      { workers: [W('w1@a'), W('w2@a', { answers: 'none' })] },
      /^1 of 2 workers does not answer remote control: w2@a\.$/,
      /worker_enable_remote_control = True.*accept_content contain 'json'/,
    ],
    [
      'remote-control-off',
      { workers: [W('w1@a', { answers: 'none' })] },
      /^The only worker does not answer/,
      /control_exchange=NAME/,
    ],
    [
      'replies-serializer',
      { workers: [W('w1@a'), W('w2@a', { answers: 'pickle' })] },
      /^1 worker answers in pickle: w2@a\.$/,
      /task_serializer = 'json'/,
    ],
    [
      'worker-not-consuming',
      { workers: [W('w1@a'), W('w2@a', { queues: [], view: { consuming: false } })] },
      /^1 worker consumes no queue: w2@a\.$/,
      /control add_consumer QUEUE -d w2@a$/,
    ],
    [
      'duplicate-node-names',
      { workers: [W('w1@a', { pids: [1, 2] })] },
      /share one node name: w1@a/,
      /-n worker1@%h/,
    ],
    [
      'clock-timezone',
      { workers: [W('w1@a', { view: { clockFault: 'timezone', clockSkewSeconds: 3600 } })] },
      /^1 worker is up to 1 h behind by whole quarters of an hour/,
      /UTC/,
    ],
    [
      'clock-drift',
      { workers: [W('w1@a', { view: { clockFault: 'drift', clockSkewSeconds: -31 } })] },
      /^1 worker is up to 31 s ahead: w1@a\.$/,
      /timedatectl set-ntp true/,
    ],
    [
      'events-late',
      { workers: [W('w1@a', { view: { clockFault: 'delayed', clockSkewSeconds: 9 } })] },
      /9 s late and ever more/,
      /load/,
    ],
    [
      'queue-without-consumer',
      { depths: { reports: 0, gdpr: 3 } },
      /^Queue gdpr holds 3 messages and no worker consumes it\.$/,
      /-Q gdpr/,
    ],
    ['eviction-policy', { server: { maxmemoryPolicy: 'allkeys-lru' } }, /allkeys-lru/, /noeviction/],
    ['eviction-policy', { server: { maxmemoryPolicy: 'volatile-ttl' } }, /volatile-ttl/, /noeviction/],
    ['memory-near-limit', { server: { memoryUsedBytes: 0.9e9 } }, /\(90 %\)/, /maxmemory/],
    [
      'connections-near-limit',
      { server: { connectedClients: 9_500 } },
      /9\u202f500 of 10\u202f000/,
      /maxclients/,
    ],
    ['broker-alarm', { server: { alarms: ['disk'] } }, /its disk is full/, /log/],
    [
      'redelivery-near',
      { server: { unackedOldestAgeSeconds: 3000 } },
      /unacknowledged for 50 m, and the redelivery timeout is 1 h/,
      /'visibility_timeout': 7200/,
    ],
    [
      'redelivery-overdue',
      { server: { unackedOldestAgeSeconds: 9000, unackedOverdue: 2 } },
      /^2 tasks are unacknowledged for longer/,
      /'visibility_timeout': 18000/,
    ],
    [
      'redelivery-near',
      {
        server: { unackedOldestAgeSeconds: null },
        running: [{ task: 'shop.export', oldestSeconds: 3000, id: 'x', worker: 'w1@a' }],
      },
      /^shop\.export has been running for 50 m/,
      /visibility_timeout/,
    ],
    [
      'redelivered',
      { redeliveries: [{ task: 'shop.export', queue: 'reports', most: 4, id: 'x' }] },
      /shop\.export of queue reports was delivered again 4 times/,
      /WorkerLostError/,
    ],
    [
      'control-garbage',
      {
        each: seen =>
          seen.controlKeys([
            { kind: 'reply', orphan: true, keys: 90, bytes: 5000 },
            { kind: 'control', orphan: false, keys: 9, bytes: 5000 },
          ]),
      },
      /^90 keys of events and remote control/,
      /UNLINK/,
    ],
    [
      'events-cut-off',
      {
        each(seen, second, nowMs) {
          if (second === 1) seen.gapEnded({ reason: 'cut_off', fromMs: nowMs - 3000, toMs: nowMs })
        },
      },
      /cut our subscription off 1 time/,
      /client-output-buffer-limit/,
    ],
    [
      'events-gap',
      {
        each(seen, second, nowMs) {
          if (second === 1) seen.gapEnded({ reason: 'connection_lost', fromMs: nowMs - 12_000, toMs: nowMs })
        },
      },
      /for 12 s in the last quarter/,
      /network/,
    ],
    [
      'events-dropped',
      { each: (seen, second, nowMs) => second === 3 && seen.dropped(9, nowMs) },
      /^9 event messages/,
      /CPU/,
    ],
    [
      'events-serializer',
      {
        each: (seen, _, nowMs) =>
          seen.heard({ events: 0, problems: [{ reason: 'unsupported_content_type' }], changes: [] }, nowMs),
      },
      /another serializer/,
      /event_serializer = 'json'/,
    ],
    [
      'events-skipped',
      {
        each: (seen, _, nowMs) =>
          seen.heard({ events: 0, problems: [{ reason: 'bad_field' }], changes: [] }, nowMs),
      },
      /^21 events were not understood/,
      /level warn/,
    ],
    [
      'events-lost',
      {
        each: (seen, _, nowMs) =>
          seen.heard(
            { events: 0, problems: [], changes: [{ kind: 'events-lost', worker: 'w1@a', count: 2 }] },
            nowMs,
          ),
      },
      /were counted by workers and told by no event: w1@a/,
      /celery_events_lost_total/,
    ],
    [
      'threads-pool-loses-events',
      { workers: [W('w1@a', { pool: 'threads' })] },
      /threads pool of Celery 5\.6\.3/,
      /prefork/,
    ],
    [
      'queues-unreadable',
      { each: seen => seen.reading('queues', { message: 'NOPERM.', hint: undefined }) },
      /^Queue lengths cannot be read: NOPERM\.$/,
      /\+llen/,
    ],
    [
      'discovery-refused',
      { each: seen => seen.reading('discovery', { message: 'NOPERM.', hint: 'Allow SCAN.' }) },
      /searched/,
      /^Allow SCAN\.$/,
    ],
    [
      'server-unreadable',
      { server: null, each: seen => seen.reading('server', { message: 'NOPERM.', hint: undefined }) },
      /state of the server/,
      /\+info/,
    ],
    [
      'remote-control-refused',
      { each: seen => seen.reading('control', { message: 'NOPERM.', hint: 'Allow PUBLISH.' }) },
      /^Workers cannot be asked: NOPERM\.$/,
      /Allow PUBLISH/,
    ],
    ['management-missing', { connection: { transport: 'amqp' } }, /management API/, /managementUrl: http/],
  ])('%s', (code, part, title, fix) => {
    const found = one(part)
    expect(found.code).toBe(code)
    expect(found.title).toMatch(title)
    expect(found.fix).toMatch(fix)
    expect(found.cost).not.toBeNull()
  })

  test('without the management API alarms are missing only where publishing may not be tried', () => {
    const cost = (alarms: readonly string[] | null) =>
      one({ connection: { transport: 'amqp' }, server: { alarms } }).cost
    expect(cost([])).toMatch(/^Unacknowledged messages, deliveries, memory and connections of the broker/)
    expect(cost(null)).toMatch(/memory, connections and alarms of the broker/)
  })

  test('evictions while we watch', () => {
    let evicted = 0
    const part: Play = {
      server: {
        get evictedKeysTotal() {
          return 40 + evicted
        },
      },
      each: () => void evicted++,
    }
    // The getter is read by the stage each second, as a server is.
    const { all } = play(part)
    expect(all.find(({ code }) => code === 'evictions')).toMatchObject({
      level: 'missing',
      title: expect.stringMatching(
        /^Redis evicted \d+ keys while we watched, \d+ since it started\.$/,
      ) as string,
    })
  })

  test('one worker hoards while another idles', () => {
    const found = one({
      workers: [
        W('w1@a', { view: { active: 4, reserved: 12, concurrency: 4 } }),
        W('w2@a', { view: { active: 0, reserved: 0, scheduled: 0 } }),
      ],
    })
    expect(found.code).toBe('prefetch-hoarding')
    expect(found.title).toBe('w1@a holds 12 tasks it cannot start, and w2@a on the same queue reports idles.')
    expect(found.fix).toMatch(/worker_prefetch_multiplier = 1/)
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
