import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Clock, memoryLog, Secret, VirtualClock } from '../base/index.ts'
import { isCorrelationId, withCorrelationId } from '../correlation/index.ts'
import type { Channel, DeliveryRecord, DeliveryResult } from './contract.ts'
import { createNotifier, type NotifierOptions } from './notifier.ts'
import { createReceivers } from './options.ts'
import { answer, eventually, notification, ReceiverServer } from './receiver.case.ts'

const realClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

const server = new ReceiverServer()
beforeAll(() => server.start())
afterAll(() => server.stop())
beforeEach(() => server.reset())

function overHttp(options: Partial<NotifierOptions> = {}, url = server.url) {
  const log = memoryLog()
  const results: DeliveryRecord[] = []
  const attempts: string[] = []
  const notifier = createNotifier({
    receivers: createReceivers(
      [{ name: 'ops', webhook: { url: new Secret(`${url}/s3cr3t?token=s3cr3t`) } }],
      Date.now,
    ),
    clock: realClock,
    log,
    backoffMs: { first: 10, longest: 40 },
    onResult: (_, record) => results.push(record),
    onAttempt: ({ result }) => attempts.push(result.ok ? 'ok' : result.reason),
    ...options,
  })
  return { notifier, log, results, attempts }
}

test('500, then 200: it is tried again and arrives once', async () => {
  server.reset(answer(500), answer(500), answer(200))
  const { notifier, results, attempts, log } = overHttp()
  notifier.send(notification())
  await eventually(() => results.length === 1)
  expect(results[0]).toMatchObject({ receiver: 'ops', channel: 'webhook', attempts: 3, result: { ok: true } })
  expect(attempts).toEqual(['server_error', 'server_error', 'ok'])
  expect(log.lines.map(line => line.message)).toEqual([
    'notification failed, will be tried again',
    'notifications arrive again',
    'notification delivered',
  ])
  expect(notifier.deliveries()).toEqual(results)
})

test('a notification has one correlation id over all attempts: that of what caused it, or its own', async () => {
  server.reset(answer(500), answer(200), answer(200))
  const { notifier, results } = overHttp()
  withCorrelationId('caused-by-this', () => notifier.send(notification()))
  await eventually(() => results.length === 1)
  notifier.send(notification())
  await eventually(() => results.length === 2)
  const ids = server.received.map(({ headers }) => headers['x-correlation-id'])
  expect(ids.slice(0, 2)).toEqual(['caused-by-this', 'caused-by-this'])
  expect(isCorrelationId(ids[2])).toBe(true)
  expect(ids[2]).not.toBe('caused-by-this')
  expect(results.map(({ correlationId }) => correlationId)).toEqual([ids[0], ids[2]])
})

test('400 is given up at once', async () => {
  server.reset(answer(400))
  const { notifier, results } = overHttp()
  notifier.send(notification())
  await eventually(() => results.length === 1)
  expect(results[0]).toMatchObject({ attempts: 1, result: { ok: false, reason: 'client_error' } })
  expect(server.received).toHaveLength(1)
})

test('429 with Retry-After is left alone for that long', async () => {
  server.reset(answer(429, { 'retry-after': '1' }), answer(200))
  const { notifier, results } = overHttp()
  notifier.send(notification())
  await eventually(() => results.length === 1)
  const [first, second] = server.received
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990)
})

test('a receiver that hangs is given up at the deadline, and delays no other', async () => {
  const hanging = new ReceiverServer()
  await hanging.start()
  hanging.reset(() => {})
  const results: DeliveryRecord[] = []
  const notifier = createNotifier({
    receivers: createReceivers(
      [
        { name: 'dead', webhook: { url: new Secret(hanging.url) } },
        { name: 'ops', webhook: { url: new Secret(server.url) } },
      ],
      Date.now,
    ),
    clock: realClock,
    log: memoryLog(),
    timeoutMs: 100,
    deadlineMs: 400,
    backoffMs: { first: 10, longest: 10 },
    onResult: (_, record) => results.push(record),
  })
  for (let i = 0; i < 5; i++) notifier.send(notification({ receiver: 'dead', groupKey: `g${i}` }))
  const sentAtMs = Date.now()
  notifier.send(notification())
  await eventually(() => results.some(record => record.receiver === 'ops'))
  expect(Date.now() - sentAtMs).toBeLessThan(300)
  await eventually(() => results.length === 6)
  for (const record of results.filter(each => each.receiver === 'dead'))
    expect(record.result).toMatchObject({ ok: false, reason: 'timeout' })
  await notifier.stop(100)
  await hanging.stop()
})

test('neither log, nor result, nor record holds the URL', async () => {
  server.reset(answer(500, {}, '/s3cr3t?token=s3cr3t'), answer(404, {}, 's3cr3t'))
  const { notifier, log, results } = overHttp()
  notifier.send(notification())
  await eventually(() => results.length === 1)
  const refused = overHttp({ deadlineMs: 50 }, 'http://127.0.0.1:1')
  refused.notifier.send(notification())
  await eventually(() => refused.results.length === 1)
  const said = JSON.stringify([log.lines, results, notifier.deliveries(), refused.log.lines, refused.results])
  expect(said).toContain(`127.0.0.1:${server.port} answered HTTP 404`)
  expect(said).not.toContain('s3cr3t')
})

/** A channel that answers from a script, `hang` until aborted; the last answer for ever. */
function scripted(kind: string, clock: Clock, answers: (DeliveryResult | 'hang' | 'throw')[]) {
  const sent: string[] = []
  const channel: Channel = {
    kind,
    async send(each, signal) {
      sent.push(`${clock.now() / 1000} ${each.groupKey} ${each.status}`)
      const next = answers.length > 1 ? answers.shift() : answers[0]
      if (next === 'throw') throw new Error('s3cr3t')
      if (next === 'hang' || next === undefined) {
        await new Promise<void>(resolve => {
          signal.addEventListener('abort', () => resolve())
        })
        return { ok: false, retry: true, reason: 'timeout', detail: 'in time' }
      }
      return next
    },
  }
  return { channel, sent }
}

const OK: DeliveryResult = { ok: true }
const DOWN: DeliveryResult = { ok: false, retry: true, reason: 'server_error', detail: 'down' }
const busyFor = (ms: number): DeliveryResult => ({
  ok: false,
  retry: true,
  reason: 'rate_limited',
  detail: 'busy',
  retryAfterMs: ms,
})

/** Seconds on a virtual clock; a step at a time, so that promises settle between. */
async function pass(clock: VirtualClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 2; i++) {
    for (let turn = 0; turn < 10; turn++) await clock.advance(0)
    await clock.advance(500)
  }
}

function virtual(answers: (DeliveryResult | 'hang' | 'throw')[], options: Partial<NotifierOptions> = {}) {
  const clock = new VirtualClock()
  const { channel, sent } = scripted('webhook', clock, answers)
  const results: string[] = []
  const log = memoryLog()
  const notifier = createNotifier({
    receivers: [{ name: 'ops', channels: [channel] }],
    clock,
    log,
    onResult: (_, record) =>
      results.push(
        `${record.atMs / 1000} ${record.groupKey} ${record.result.ok ? 'ok' : record.result.reason} after ${record.attempts}`,
      ),
    ...options,
  })
  return { clock, sent, results, notifier, log }
}

test('waits double from one second to a minute until the deadline', async () => {
  const { clock, sent, results, notifier } = virtual([DOWN])
  notifier.send(notification({ groupKey: 'g' }))
  await pass(clock, 400)
  expect(sent.map(line => Number(line.split(' ')[0]))).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243])
  expect(results).toEqual(['243 g server_error after 10'])
})

test('a short group interval neither hammers a receiver that fails nor floods the log', async () => {
  const clock = new VirtualClock()
  const { channel, sent } = scripted('webhook', clock, [DOWN])
  const log = memoryLog()
  const notifier = createNotifier({
    receivers: [{ name: 'ops', channels: [channel] }],
    clock,
    log,
    deadlineMs: 10_000,
    // As the dispatcher does: what was given up is decided anew at the next interval.
    onResult: each => void clock.after(2000, () => notifier.send(each)),
  })
  notifier.send(notification({ groupKey: 'g' }))
  await pass(clock, 1200)
  const times = sent.map(line => Number(line.split(' ')[0]))
  expect(times.slice(0, 9)).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183])
  const lines = log.lines.map(({ level, message, fields }) => {
    const count = fields?.['failedAttempts']
    return `${level} ${message} ${typeof count === 'number' ? count : ''}`
  })
  expect(lines.slice(0, 2)).toEqual([
    'warn notification failed, will be tried again ',
    'error notification given up ',
  ])
  expect(lines.slice(2).every(line => /^error notifications still fail [5-9]$/.test(line))).toBe(true)
  expect(lines.length).toBeLessThan(8)
})

test('a channel that works and fails by turns is not reported as failing at every turn; what was lost is told with the end', async () => {
  const refused: DeliveryResult = { ok: false, retry: false, reason: 'client_error', detail: 'no' }
  const { clock, notifier, log } = virtual([refused, OK, refused, OK, refused, OK, refused])
  for (let i = 0; i < 7; i++) {
    notifier.send(notification({ groupKey: `g${i}` }))
    await pass(clock, 1)
  }
  await notifier.stop(1000)
  const lines = log.lines.filter(({ message }) => message !== 'notification delivered')
  expect(lines.map(({ message, fields }) => [message, fields?.['givenUp']])).toEqual([
    ['notification given up', undefined],
    ['notifications arrive again', 0],
    ['notifications arrive again', 1],
    ['notifications arrive again', 1],
    ['notifications were not delivered', 1],
  ])
})

test('notifications of a group keep their order; other groups go ahead of one that waits', async () => {
  const { clock, sent, notifier } = virtual([DOWN, OK])
  notifier.send(notification({ groupKey: 'a' }))
  notifier.send(notification({ groupKey: 'a', status: 'resolved' }))
  notifier.send(notification({ groupKey: 'b' }))
  await pass(clock, 5)
  expect(sent).toEqual(['0 a firing', '0 b firing', '1 a firing', '1 a resolved'])
})

test('Retry-After silences the whole channel, and ends a notification that cannot make its deadline', async () => {
  const { clock, sent, results, notifier } = virtual([busyFor(400_000), OK])
  notifier.send(notification({ groupKey: 'a' }))
  notifier.send(notification({ groupKey: 'b' }))
  await pass(clock, 350)
  expect(sent).toEqual(['0 a firing'])
  expect(results).toEqual(['0 a rate_limited after 1', '300 b timeout after 0'])
  notifier.send(notification({ groupKey: 'c' }))
  await pass(clock, 60)
  expect(sent).toEqual(['0 a firing', '400 c firing'])
})

test('a full queue refuses the newest with its reason; nothing is lost silently', async () => {
  const { clock, results, notifier } = virtual(['hang', OK], { queueLimit: 2 })
  for (const groupKey of ['a', 'b', 'c']) notifier.send(notification({ groupKey }))
  expect(results).toEqual(['0 c overflow after 0'])
  await pass(clock, 30)
  expect(results).toEqual(['0 c overflow after 0', '10 b ok after 1', '11 a ok after 2'])
})

test('a notification for nobody is refused with its reason', () => {
  const { results, notifier } = virtual([OK])
  notifier.send(notification({ receiver: 'nobody', groupKey: 'g' }))
  notifier.send(notification({ integration: 'pager', groupKey: 'h' }))
  expect(results).toEqual(['0 g invalid after 0', '0 h invalid after 0'])
})

test('a channel that throws is a failed attempt, and its words are not repeated', async () => {
  const { clock, results, notifier, log } = virtual(['throw', OK])
  notifier.send(notification({ groupKey: 'g' }))
  await pass(clock, 1)
  expect(results).toEqual(['0 g invalid after 1'])
  expect(JSON.stringify(log.lines)).not.toContain('s3cr3t')
})

test('channels of one receiver are separate: the name of the channel picks one', async () => {
  const clock = new VirtualClock()
  const slack = scripted('slack', clock, [OK])
  const webhook = scripted('webhook', clock, [OK])
  const notifier = createNotifier({
    receivers: [{ name: 'ops', channels: [slack.channel, webhook.channel] }],
    clock,
    log: memoryLog(),
  })
  expect(notifier.receivers).toEqual([{ name: 'ops', integrations: ['slack', 'webhook'] }])
  notifier.send(notification({ integration: 'webhook' }))
  await pass(clock, 1)
  expect([slack.sent.length, webhook.sent.length]).toEqual([0, 1])
})

test('the delivery log is bounded, newest first', async () => {
  const { clock, notifier } = virtual([OK], { recordLimit: 3 })
  for (const groupKey of ['a', 'b', 'c', 'd']) notifier.send(notification({ groupKey }))
  await pass(clock, 1)
  expect(notifier.deliveries().map(record => record.groupKey)).toEqual(['d', 'c', 'b'])
})

test('stopping sends what waits once, without waiting for retries', async () => {
  const { clock, sent, results, notifier } = virtual([DOWN, DOWN, OK])
  for (const groupKey of ['a', 'b', 'c']) notifier.send(notification({ groupKey }))
  const stopped = notifier.stop(5000)
  await pass(clock, 1)
  await stopped
  expect(sent).toEqual(['0 a firing', '0 b firing', '0 c firing'])
  expect(results).toEqual(['0 a server_error after 1', '0 b server_error after 1', '0 c ok after 1'])
  notifier.send(notification({ groupKey: 'd' }))
  expect(results.at(-1)).toBe('1 d stopped after 0')
})

test('stopping ends in time, and tells of everything exactly once, even while a receiver hangs', async () => {
  const { clock, results, notifier } = virtual(['hang'])
  for (const groupKey of ['a', 'b']) notifier.send(notification({ groupKey }))
  const stopped = notifier.stop(2000)
  await pass(clock, 1)
  expect(results).toEqual([])
  await pass(clock, 30)
  await stopped
  expect(results).toEqual(['2 a stopped after 1', '2 b stopped after 0'])
})

test('stopping with nothing to do returns at once', async () => {
  await expect(virtual([OK]).notifier.stop(60_000)).resolves.toBeUndefined()
})
