import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type RunningCeleriac, startCeleriac } from '../../test/servers/celeriac.ts'
import { alerts } from '../catalog/index.ts'
import { parseExposition } from '../metrics/index.ts'
import { overview as overviewSchema } from '../contract/index.ts'

/** The routes over the whole built program on its simulated fleet: nothing of ours is replaced. */
let demo: RunningCeleriac
beforeAll(async () => {
  demo = await startCeleriac(['demo', '--seed', '7'])
  await eventually('the first cycle', 20_000, async () =>
    (await demo.get('/-/ready')).status === 200 ? true : undefined,
  )
})
afterAll(() => demo.stop())

const data = async (path: string): Promise<unknown> => ((await demo.get(path)).body as { data: unknown }).data

test('the overview is what its schema says, and says that the fleet is simulated', async () => {
  const { body } = await demo.get('/api/celeriac/overview')
  expect(overviewSchema.parse(body)).toMatchObject({
    simulated: true,
    brokers: [{ name: 'default', state: 'connected' }],
  })
})

test('within 15 seconds the overview holds live numbers', async () => {
  await eventually('numbers', 15_000, async () => {
    const { tiles, workers, queues } = overviewSchema.parse((await demo.get('/api/celeriac/overview')).body)
    return workers.length > 10 &&
      queues.every(queue => queue.depth !== null) &&
      tiles.filter(tile => tile.value !== null).length >= 5
      ? true
      : undefined
  })
})

test('the live stream gives the overview at once and again after each cycle', async () => {
  const response = await fetch(`${demo.url}/api/celeriac/live`)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while ((text.match(/^event: overview$/gm) ?? []).length < 2) text += (await reader?.read())?.value ?? ''
  await reader?.cancel()
  const line = text.split('\n').find(each => each.startsWith('data: ')) ?? ''
  expect(overviewSchema.parse(JSON.parse(line.slice(6)) as unknown).simulated).toBe(true)
})

test("celery-exporter's page stands beside our own, which has two addresses, in both formats", async () => {
  const get = async (path: string, accept: string) => {
    const response = await fetch(demo.url + path, { headers: { accept } })
    return { type: response.headers.get('content-type'), text: await response.text() }
  }
  for (const accept of ['text/plain', 'application/openmetrics-text']) {
    const page = await get('/metrics/celery-exporter', accept)
    const { types, samples } = parseExposition(page.text, accept !== 'text/plain')
    expect(page.type).toContain(accept)
    expect([...types.keys()][0]).toMatch(/^celery_task_sent/)
    const own = [await get('/metrics', accept), await get('/metrics/celeriac', accept)]
    const hosts = [...(own[0]?.text ?? '').matchAll(/^celery_worker_up\{.*worker="[^"@]*@([^"]*)"/gm)].map(
      ([, host]) => host,
    )
    expect(
      samples.filter(({ name }) => name === 'celery_worker_up').map(({ labels }) => labels['hostname']),
    ).toEqual([...new Set(hosts)])
    for (const { text, type } of own) {
      expect(type).toContain(accept)
      expect(text).toContain('celery_worker_count{broker="default"} 16')
    }
  }
})

test('an instant query answers as Prometheus does, by GET and by form', async () => {
  const form = await fetch(`${demo.url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: 'count(celery_worker_up)' }),
  })
  const posted = (await form.json()) as { data: { result: { value: [number, string] }[] } }
  expect(Number(posted.data.result[0]?.value[1])).toBe(16)
  expect(await data('/api/v1/query?query=vector(1)&time=5.5')).toEqual({
    resultType: 'vector',
    result: [{ metric: {}, value: [5.5, '1'] }],
  })
  expect(await data('/api/v1/query?query=scalar(vector(2))&time=2026-01-01T00:00:00Z')).toEqual({
    resultType: 'scalar',
    result: [1767225600, '2'],
  })
})

test('a range query answers one value a step', async () => {
  expect(await data('/api/v1/query_range?query=vector(3)&start=100&end=130&step=15s')).toEqual({
    resultType: 'matrix',
    result: [
      {
        metric: {},
        values: [
          [100, '3'],
          [115, '3'],
          [130, '3'],
        ],
      },
    ],
  })
})

test.each([
  ['/api/v1/query', 400, 'bad_data', /^invalid parameter "query": 1:1: parse error: no expression/],
  [
    '/api/v1/query_range?query=rate(&start=0&end=1&step=1',
    400,
    'bad_data',
    /^invalid parameter "query": 1:6/,
  ],
  ['/api/v1/query?query=x&time=yesterday', 400, 'bad_data', /invalid parameter "time"/],
  ['/api/v1/query_range?query=x&start=0&end=1000000&step=1', 400, 'bad_data', /maximum resolution of 11,000/],
  ['/api/v1/query?query=1&timeout=0', 503, 'timeout', /^query timed out/],
  ['/api/v1/rules?type=bad', 400, 'bad_data', /^invalid parameter "type": not supported value "bad"$/],
  ['/api/v1/rules?exclude_alerts=perhaps', 400, 'bad_data', /^invalid parameter "exclude_alerts"/],
  ['/api/v1/nothing', 404, 'not_found', /no route/],
])('%s is refused as Prometheus refuses it', async (path, status, errorType, error) => {
  const answer = await demo.get(path)
  expect(answer).toMatchObject({
    status,
    body: { status: 'error', errorType, error: expect.stringMatching(error) as unknown },
  })
})

test('what to do about an error stands beside it, not in it', async () => {
  const { body } = await demo.get(`/api/v1/query?query=${encodeURIComponent('sum_over_tme(x[1m])')}`)
  expect(body).toMatchObject({
    error: 'invalid parameter "query": 1:1: parse error: unknown function with name "sum_over_tme"',
    hint: expect.stringContaining('sum_over_time') as unknown,
  })
})

test('a body that nobody reads and one that is too large are refused', async () => {
  const post = async (type: string, body: string) => {
    const response = await fetch(`${demo.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    return [response.status, ((await response.json()) as { error: string }).error]
  }
  expect(await post('application/json', '{"query":"1"}')).toEqual([
    400,
    'a POST needs content type application/x-www-form-urlencoded',
  ])
  expect(await post('application/x-www-form-urlencoded', `query=${'1'.repeat(11 * 1024 * 1024)}`)).toEqual([
    413,
    'the form is larger than 10 MiB',
  ])
})

test('rules are narrowed by type, name, group and file', async () => {
  const ask = async (parameters: string) => {
    const { groups } = (await data(`/api/v1/rules?${parameters}`)) as {
      groups: { name: string; rules: { type: string; name: string; alerts?: unknown[] }[] }[]
    }
    return groups.map(({ name, rules }) => [name, new Set(rules.map(({ type }) => type)), rules.length])
  }
  const alerting = await ask('type=alert')
  expect(alerting.map(([name]) => name)).toEqual(['celery_alerts', 'celeriac_meta'])
  expect(alerting.map(([, types]) => types)).toEqual([new Set(['alerting']), new Set(['alerting'])])
  expect(alerting.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(alerts.length)
  expect((await ask('type=record')).map(([name]) => name)).toEqual(['celery_aggregations'])
  expect(await ask('rule_name[]=CeleryNoWorkers&rule_name[]=RedisMemoryHigh&exclude_alerts=true')).toEqual([
    ['celery_alerts', new Set(['alerting']), 2],
  ])
  expect((await ask('rule_group[]=celery_aggregations')).map(([name]) => name)).toEqual([
    'celery_aggregations',
  ])
  expect(await ask('file[]=none')).toEqual([])
})

test('rules lists all alerts of the catalog in good health', async () => {
  await eventually('evaluated', 40_000, async () => {
    const { groups } = (await data('/api/v1/rules')) as {
      groups: { rules: { type: string; name: string; health: string }[] }[]
    }
    const rules = groups.flatMap(group => group.rules)
    expect(rules.filter(rule => rule.type === 'alerting').map(rule => rule.name)).toEqual(
      alerts.map(alert => alert.name),
    )
    return rules.every(rule => rule.health === 'ok') ? true : undefined
  })
  expect(await data('/api/v1/alerts')).toHaveProperty('alerts')
})

test('the exposition comes in the format that was asked for, compressed if that was', async () => {
  const open = await fetch(`${demo.url}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0' },
  })
  expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1\.0\.0/)
  expect((await open.text()).endsWith('# EOF\n')).toBe(true)
  const zipped = await fetch(`${demo.url}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
  expect(zipped.headers.get('content-encoding')).toBe('gzip')
  expect(await zipped.text()).toContain('celery_worker_count{broker="default"} 16')
})

test.each([
  '/-/healthy',
  '/livez',
  '/healthz',
  '/health',
  '/-/ready',
  '/readyz',
  '/monitoring/health/celery',
  '/monitoring/health/broker',
  '/monitoring/metrics/queue',
])('%s is good on a healthy fleet', async path => {
  expect((await demo.get(path)).status).toBe(200)
})

test('hosts are named to who asks from this machine, not to strangers, and every answer has a correlation id', async () => {
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`${demo.url}/monitoring/health/celery`, { headers })
    return { body: (await response.json()) as object, id: response.headers.get('x-correlation-id') }
  }
  const near = await ask({ 'x-correlation-id': 'asked-from-here' })
  expect(near.body).toHaveProperty('workers')
  expect(near.id).toBe('asked-from-here')
  for (const header of ['x-forwarded-for', 'forwarded']) {
    const far = await ask({ [header]: '203.0.113.7' })
    expect(far.body).toMatchObject({ status: 'healthy', worker_count: 16 })
    expect(far.body).not.toHaveProperty('workers')
  }
})

test('the page allows nothing but our own files, and its nonce is fresh', async () => {
  const [one, two] = await Promise.all([fetch(demo.url), fetch(demo.url)])
  const nonce = /'nonce-([^']+)'/.exec(one.headers.get('content-security-policy') ?? '')?.[1]
  expect(two.headers.get('content-security-policy')).not.toContain(nonce)
  const page = await one.text()
  expect(page).toContain('<base href="/">')
  expect(page).toContain(`nonce="${nonce ?? '-'}"`)
})

test('every alert has a runbook page where its link leads', async () => {
  for (const { slug, runbook } of alerts) {
    const response = await fetch(`${demo.url}/runbooks/${slug}`)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain(`<h1>${runbook.title}</h1>`)
  }
  expect((await fetch(`${demo.url}/runbooks/nothing`)).status).toBe(404)
  const { groups } = (await data('/api/v1/rules')) as {
    groups: { rules: { annotations?: { runbook_url?: string } }[] }[]
  }
  const link = groups.flatMap(group => group.rules).find(rule => rule.annotations !== undefined)
    ?.annotations?.runbook_url
  expect((await fetch(`${demo.url}${new URL(link ?? '').pathname}`)).status).toBe(200)
})

test('what cannot be found says where things are, and no path leads out of the folder', async () => {
  const response = await fetch(`${demo.url}/..%2f..%2fpackage.json`)
  expect(response.status).toBe(404)
  expect(await response.text()).toContain('metrics at /metrics')
})
