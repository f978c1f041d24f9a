import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Clock, Labels, memoryLog, type Sample } from '../../base/index.ts'
import { configureAlerts, metrics, publishedMetrics } from '../../catalog/index.ts'
import { createPublisher, type PublisherPorts } from './publisher.ts'
import { openCloudWatch } from './sink.ts'

const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Stands in for CloudWatch: keeps what it is sent and answers as told, the last answer for ever. */
const received: Received[] = []
let answers: ((response: ServerResponse) => void)[] = []
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.0' }
const accept = (response: ServerResponse): void => {
  response.writeHead(200, JSON_TYPE).end('{}')
}
const refuse =
  (status: number, type: string) =>
  (response: ServerResponse): void => {
    response.writeHead(status, JSON_TYPE).end(JSON.stringify({ __type: type }))
  }
let server: Server
let url = ''
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks) })
      const next = answers.length > 1 ? answers.shift() : answers[0]
      next?.(response)
    })
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise(resolve => {
    server.close(resolve)
  })
})
beforeEach(() => {
  received.length = 0
  answers = [accept]
})

interface Request {
  readonly Namespace: string
  readonly MetricData: readonly {
    readonly MetricName: string
    readonly Unit: string
    readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[]
    readonly Timestamp: number
    readonly Values: readonly number[]
    readonly Counts: readonly number[]
    readonly StorageResolution: number
  }[]
}
/** AWS JSON 1.0, in which the SDK speaks to CloudWatch; larger requests are compressed. */
const requestOf = ({ headers, body }: Received): Request => {
  expect(headers).toMatchObject({
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData',
  })
  const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
  return JSON.parse(text.toString('utf8')) as Request
}

const WORKERS = [{ labels: Labels.from({ broker: 'a' }), value: 3 }]
const failedTotal = (value: number): Sample[] => [
  {
    labels: Labels.from({
      __name__: metrics.taskFailed.name,
      broker: 'a',
      task: 't',
      queue: 'q',
      exception: 'E',
    }),
    value,
  },
]

async function open(more: Partial<PublisherPorts> = {}) {
  const log = memoryLog()
  const counted: string[] = []
  const table = publishedMetrics(configureAlerts())
  const publisher = createPublisher({
    namespace: 'Test/Celery',
    intervalMs: 60_000,
    highResolution: false,
    taskDetail: false,
    maxMetrics: 500,
    table,
    sink: await openCloudWatch({ region: 'eu-west-1', endpointUrl: url }),
    clock,
    log,
    collectedAtMs: () => 1_700_000_000_000,
    vector: expr =>
      Promise.resolve(
        expr.includes('celery_worker_count') && !expr.includes('\n') && !expr.includes('/') ? WORKERS : [],
      ),
    samples: () => failedTotal(4),
    published: data => counted.push(`published ${data}`),
    failed: reason => counted.push(`failed ${reason}`),
    dropped: (reason, data) => counted.push(`dropped ${reason} ${data}`),
    ...more,
  })
  return { publisher, counted, log }
}

async function eventually(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition();) {
    if (Date.now() > end) throw new Error('it never came true')
    await new Promise(resolve => {
      setTimeout(resolve, 5)
    })
  }
}

test('what the SDK sends is what CloudWatch documents: names, units, dimensions, values with counts, times', async () => {
  const { publisher, counted } = await open()
  await publisher.stop()
  expect(counted).toEqual(['published 3'])
  const [request] = received.map(requestOf)
  expect(received[0]?.headers['authorization']).toMatch(/eu-west-1\/monitoring\/aws4_request/)
  expect(request?.Namespace).toBe('Test/Celery')
  expect(request?.MetricData[0]).toEqual({
    MetricName: 'WorkerCount',
    Unit: 'Count',
    Dimensions: [{ Name: 'Broker', Value: 'a' }],
    Timestamp: 1_700_000_000,
    Values: [3],
    Counts: [1],
    StorageResolution: 60,
  })
  expect(request?.MetricData.slice(1)).toMatchObject([
    { MetricName: 'TasksFailed', Values: [4] },
    {
      MetricName: 'TasksFailed',
      Values: [4],
      Dimensions: [{ Name: 'Broker' }, { Name: 'Queue', Value: 'q' }],
    },
  ])
})

test('throttled, then taken: nothing is lost or sent twice, and it is told once', async () => {
  answers = [
    refuse(400, 'com.amazonaws.cloudwatch#ThrottlingException'),
    refuse(503, 'x#ServiceUnavailable'),
    accept,
  ]
  const { publisher, counted, log } = await open({ intervalMs: 50, highResolution: true, samples: () => [] })
  publisher.start()
  await eventually(
    () => counted.includes('published 1') || counted.some(each => each.startsWith('published')),
  )
  await publisher.stop()
  expect(counted.slice(0, 2)).toEqual(['failed throttled', 'failed server_error'])
  expect(counted.some(each => each.startsWith('dropped'))).toBe(false)
  const sent = received.slice(2).flatMap(each => requestOf(each).MetricData)
  expect(sent.length).toBe(
    counted.reduce((sum, each) => sum + (/^published (\d+)$/.exec(each) ? Number(each.slice(10)) : 0), 0),
  )
  expect(sent[0]).toMatchObject({ MetricName: 'WorkerCount', StorageResolution: 1 })
  expect(log.lines.map(({ message }) => message)).toContain('CloudWatch takes numbers again.')
})

test('data that CloudWatch refuses are dropped and counted, not sent again', async () => {
  answers = [refuse(400, 'x#InvalidParameterValueException')]
  const { publisher, counted } = await open()
  await publisher.stop()
  expect(counted).toEqual(['failed refused', 'dropped refused 3'])
  expect(received).toHaveLength(1)
})

test('where nobody answers, what could not be sent is counted when Celeriac stops', async () => {
  const { publisher, counted } = await open({
    sink: await openCloudWatch({ region: 'eu-west-1', endpointUrl: 'http://127.0.0.1:1' }),
  })
  await publisher.stop()
  expect(counted).toEqual(['failed unreachable', 'dropped stopped 3'])
})

test('no more metrics than allowed: the widest are kept', async () => {
  const { publisher, counted } = await open({ maxMetrics: 2 })
  await publisher.stop()
  expect(counted).toEqual(['dropped max_metrics 1', 'published 2'])
  expect(
    received.flatMap(each => requestOf(each).MetricData).map(({ Dimensions }) => Dimensions.length),
  ).toEqual([1, 1])
})

test('nothing is published before anything was collected', async () => {
  const { publisher, counted } = await open({ collectedAtMs: () => null })
  await publisher.stop()
  expect([counted, received]).toEqual([[], []])
})
