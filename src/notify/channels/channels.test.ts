import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Labels, Secret, wordDuration, wordNumber } from '../../base/index.ts'
import type { Channel } from '../contract.ts'
import { answer, notification, ReceiverServer } from '../receiver.case.ts'
import { snsMessage } from './sns/message.ts'
import { snsChannel } from './sns/sns.ts'
import { slackChannel } from './slack/slack.ts'
import { webhookChannel } from './webhook/webhook.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:celeriac-critical'
const PATH = '/services/T0/B0/s3cr3tpath'

const server = new ReceiverServer()
beforeAll(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  return server.start()
})
afterAll(() => {
  vi.unstubAllEnvs()
  return server.stop()
})
beforeEach(() => server.reset())

const soon = (ms = 5000): AbortSignal => AbortSignal.timeout(ms)

/** One suite for every channel that posts over HTTP. */
const channels: readonly [string, (url: string) => Channel][] = [
  ['slack', url => slackChannel({ webhookUrl: new Secret(url) }, Date.now)],
  ['webhook', url => webhookChannel({ url: new Secret(url) }, Date.now)],
  ['sns', url => snsChannel({ topicArn: TOPIC, endpointUrl: url }, Date.now)],
]
/** What the AWS SDK does itself: it speaks its own protocol, and reads answers to their end. */
const bySdk = (kind: string): boolean => kind === 'sns'

describe.each(channels)('%s', (kind, open) => {
  const send = (signal = soon()) => open(server.url + PATH).send(notification(), signal)

  test.skipIf(bySdk(kind))('posts JSON to the URL and is content with 200', async () => {
    expect(await send()).toEqual({ ok: true })
    expect(server.received).toHaveLength(1)
    expect(server.received[0]).toMatchObject({
      path: PATH,
      headers: { 'content-type': 'application/json', 'user-agent': 'celeriac' },
    })
    expect(JSON.parse(server.received[0]?.body ?? '')).toBeTypeOf('object')
    expect(open(server.url).kind).toBe(kind)
  })

  test.each([
    [204, { ok: true }],
    [301, { ok: false, retry: false, reason: 'client_error' }],
    [400, { ok: false, retry: false, reason: 'client_error' }],
    [403, { ok: false, retry: false, reason: 'client_error' }],
    [404, { ok: false, retry: false, reason: 'client_error' }],
    [408, { ok: false, retry: true, reason: 'timeout' }],
    [429, { ok: false, retry: true, reason: 'rate_limited' }],
    [500, { ok: false, retry: true, reason: 'server_error' }],
    [501, { ok: false, retry: false, reason: 'server_error' }],
    [503, { ok: false, retry: true, reason: 'server_error' }],
    [599, { ok: false, retry: true, reason: 'server_error' }],
  ])('answered with %d it reports %j', async (status, result) => {
    server.reset(answer(status))
    expect(await send()).toMatchObject(result)
  })

  test('passes on Retry-After, in seconds and as a date, and never more than an hour', async () => {
    server.reset(
      answer(429, { 'retry-after': '7' }),
      answer(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
      answer(429, { 'retry-after': '999999' }),
      answer(429, { 'retry-after': 'soon' }),
    )
    expect(await send()).toMatchObject({ retryAfterMs: 7000 })
    const dated = await send()
    expect(dated).toMatchObject({ retry: true, reason: 'server_error' })
    expect('retryAfterMs' in dated && dated.retryAfterMs).toBeGreaterThan(50_000)
    expect(await send()).toMatchObject({ retryAfterMs: 3_600_000 })
    expect(await send()).not.toHaveProperty('retryAfterMs')
  })

  test('does not follow a redirect: the other place gets nothing', async () => {
    server.reset(answer(307, { location: `${server.url}/elsewhere` }))
    expect(await send()).toMatchObject({ ok: false, retry: false, reason: 'client_error' })
    expect(server.received.map(each => each.path.replace(/\/$/, ''))).toEqual([PATH])
  })

  test('a receiver that never answers ends with the signal, as a timeout', async () => {
    server.reset(() => {})
    expect(await send(soon(50))).toMatchObject({ ok: false, retry: true, reason: 'timeout' })
  })

  test.skipIf(bySdk(kind))('an error whose body never ends is known by its status', async () => {
    server.reset(response => {
      response.writeHead(500)
      response.write('half')
    })
    expect(await send(soon(300))).toMatchObject({ ok: false, retry: true, reason: 'server_error' })
  })

  test('nobody listening is unreachable', async () => {
    const probe = createServer()
    await new Promise<void>(resolve => {
      probe.listen(0, '127.0.0.1', resolve)
    })
    const { port } = probe.address() as AddressInfo
    await new Promise(resolve => {
      probe.close(resolve)
    })
    const result = await open(`http://127.0.0.1:${port}${PATH}`).send(notification(), soon())
    expect(result).toMatchObject({ ok: false, retry: true, reason: 'unreachable' })
    expect(result).toMatchObject({ detail: expect.stringContaining('ECONNREFUSED') as unknown })
  })

  test('a connection closed before the answer is unreachable', async () => {
    server.reset(response => response.destroy())
    expect(await send()).toMatchObject({ ok: false, retry: true, reason: 'unreachable' })
  })

  test.skipIf(bySdk(kind))(
    'a connection that closes inside the body of a 200 was still taken: it is not sent twice',
    async () => {
      server.reset(response => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half', () => response.destroy())
      })
      expect(await send()).toEqual({ ok: true })
    },
  )

  test.skipIf(bySdk(kind)).each([200, 500])('a huge body of a %d is not read', async status => {
    let written = 0
    server.reset(response => {
      response.writeHead(status)
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const more = (): void => {
        if (response.destroyed) return
        written += chunk.length
        if (written < 1 << 30) response.write(chunk, more)
      }
      more()
    })
    expect(await send()).toMatchObject({ ok: status === 200 })
    expect(written).toBeLessThan(64 << 20)
  })

  test('no result and no inspection of the channel shows the URL', async () => {
    server.reset(
      answer(404, {}, `Cannot POST ${PATH}`),
      answer(500, {}, PATH),
      answer(302, { location: PATH }),
    )
    const results = [await send(), await send(), await send()]
    expect(inspect([results, open(server.url + PATH)], { depth: 9 })).not.toContain('s3cr3t')
    expect(await open(`http://127.0.0.1:1${PATH}`).send(notification(), soon())).toMatchObject({
      ok: false,
    })
  })
})

test("slack's own word for an error is told, its host is not", async () => {
  server.reset(answer(400, {}, 'invalid_payload'), answer(403, {}, '<html>no'))
  const slack = slackChannel({ webhookUrl: new Secret(server.url + PATH) }, Date.now)
  expect(await slack.send(notification(), soon())).toMatchObject({
    detail: 'slack answered HTTP 400: invalid_payload',
  })
  expect(await slack.send(notification(), soon())).toMatchObject({ detail: 'slack answered HTTP 403' })
})

test('a webhook carries a bearer token, a password or any header, and says only its host', async () => {
  const open = (options: Partial<Parameters<typeof webhookChannel>[0]>, url = server.url) =>
    webhookChannel({ url: new Secret(url), ...options }, Date.now).send(notification(), soon())
  await open({ bearerToken: new Secret('t0ken') })
  await open({ basicAuth: { username: 'u', password: new Secret('p:w') } })
  await open({}, `http://us%40er:p%2Fw@127.0.0.1:${server.port}/x`)
  await open({ headers: { 'x-key': new Secret('k') } })
  expect(server.received.map(each => each.headers['authorization'])).toEqual([
    'Bearer t0ken',
    `Basic ${btoa('u:p:w')}`,
    `Basic ${btoa('us@er:p/w')}`,
    undefined,
  ])
  expect(server.received[3]?.headers['x-key']).toBe('k')
  server.reset(answer(400))
  expect(await open({})).toMatchObject({ detail: `127.0.0.1:${server.port} answered HTTP 400` })
})

test('a header that HTTP does not allow is one clear result without its value', async () => {
  const result = await webhookChannel(
    { url: new Secret(server.url), bearerToken: new Secret('a\nb') },
    Date.now,
  ).send(notification(), soon())
  expect(result).toEqual({
    ok: false,
    retry: false,
    reason: 'invalid',
    detail: `the request to 127.0.0.1:${server.port} cannot be made`,
  })
})

test('SNS is told the topic, a short subject, one alert after another, and what filters may ask', async () => {
  server.reset(
    answer(
      200,
      {},
      '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
    ),
  )
  const sns = snsChannel({ topicArn: TOPIC, endpointUrl: server.url }, () => 1_700_000_060_000)
  expect(await sns.send(notification(), soon())).toEqual({ ok: true })
  const sent = new URLSearchParams(server.received[0]?.body)
  expect(server.received[0]?.headers.authorization).toContain('/eu-west-1/sns/aws4_request')
  expect(Object.fromEntries(sent)).toMatchObject({
    Action: 'Publish',
    TopicArn: TOPIC,
    Subject: '[FIRING] CeleryQueueDepthHigh (broker default)',
    Message: `[FIRING] CeleryQueueDepthHigh (broker default)

Firing: Queue reports holds 1234 messages
Value ${wordNumber(1234)}, for ${wordDuration(60_000)}
alertname=CeleryQueueDepthHigh broker=default queue=reports severity=warning

Celeriac: http://celeriac.example`,
    'MessageAttributes.entry.1.Name': 'status',
    'MessageAttributes.entry.1.Value.StringValue': 'firing',
    'MessageAttributes.entry.2.Name': 'severity',
    'MessageAttributes.entry.2.Value.StringValue': 'warning',
  })
})

test('whatever a group holds, what SNS is told keeps its limits', () => {
  const [alert] = notification().alerts
  const many = notification({
    groupLabels: Labels.from({ alertname: 'Größe\n'.repeat(50) }),
    alerts: Array.from({ length: 500 }, () => ({
      ...alert!,
      annotations: { summary: 'ü'.repeat(3000), description: 'd'.repeat(9000) },
    })),
  })
  const { subject, message } = snsMessage(many, 0)
  expect(subject).toMatch(/^[ -~]{1,100}$/)
  expect(Buffer.byteLength(message)).toBeLessThan(256 * 1024)
  expect(message).toMatch(/and \d+ more/)
})
