import { describe, expect, test } from 'vitest'
import { one, type Play, play, W } from './stage.case.ts'

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
