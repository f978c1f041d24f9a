/** The same requests to a real Prometheus and to us: status, errorType and error text side by side, by GET and by form. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { hasPrometheus, type PrometheusServer, startPrometheus } from './promql-prometheus.ts'

interface Answer {
  readonly status: number
  readonly errorType?: string | undefined
  readonly error?: string | undefined
  readonly data?: unknown
}

/** Ours where it differs from the installed Prometheus (2.42), and why. */
interface Difference {
  readonly why: string
  readonly ours: Answer
}

type Request = readonly [path: string, parameters: Readonly<Record<string, string>>, differs?: Difference]

const badData = (error: string): Answer => ({ status: 400, errorType: 'bad_data', error })

const request = (
  path: string,
  parameters: Readonly<Record<string, string>>,
  differs: Difference | undefined,
): Request => (differs === undefined ? [path, parameters] : [path, parameters, differs])

const instant = (parameters: Record<string, string>, differs?: Difference): Request =>
  request('query', { query: '1', time: '7', ...parameters }, differs)
const range = (parameters: Record<string, string>, differs?: Difference): Request =>
  request('query_range', { query: '1', start: '0', end: '30', step: '15', ...parameters }, differs)

const NO_SUCH_TIME =
  'a time outside of what a date can hold overflows in Prometheus, which then answers for another time without a word'
const NAMED_SINCE_3 = 'Prometheus 3 names the parameter of a range query too'
const IGNORED_IN_2 = 'Prometheus 2 has no such parameter; refused as Prometheus 3 refuses it'

const REQUESTS: readonly Request[] = [
  instant({}),
  instant({ query: 'vector(1) + 0.5' }),
  instant({ query: '"text"' }),
  instant({ query: 'vector(1)[1m:15s]' }),
  instant({ time: '2026-01-01T00:00:00Z' }),
  instant({ time: '2026-01-01T00:00:00.5+01:00' }),
  instant({ time: '1e9' }),
  instant({ time: '-5.25' }),
  instant({ timeout: '10s' }),
  instant({ query: '' }),
  instant({ query: '1+' }),
  instant({ query: 'rate(' }),
  instant({ query: 'sum(' }),
  instant({ query: 'x{' }),
  instant({ query: 'up{job=5}' }),
  instant({ query: 'nosuch(x)' }),
  instant({ query: 'rate(x)' }),
  instant({ query: '1 + "a"' }),
  instant({ query: 'sum(x{a="1"' }),
  instant({ query: 'x[5m] * 2' }),
  instant(
    { query: 'label_replace(vector(1), "a", "", "b", "(")' },
    {
      why: 'we say what is wrong with it, where Prometheus repeats it',
      ours: {
        status: 422,
        errorType: 'execution',
        error: 'invalid regular expression in label_replace(): error parsing regexp: missing closing ): `(`',
      },
    },
  ),
  instant(
    { query: 'label_replace(vector(1), "1bad", "", "", "")' },
    { why: 'Prometheus 3 allows any text as the name of a label', ours: { status: 200 } },
  ),
  instant({ time: 'yesterday' }),
  instant({ time: '0x10' }),
  instant({ time: ' 5' }),
  instant({ time: '2026-01-01' }),
  instant({ time: '2026-01-01T00:00:00' }),
  instant({ time: '2026-02-30T00:00:00Z' }),
  instant(
    { time: '1e20' },
    {
      why: NO_SUCH_TIME,
      ours: badData(
        `invalid parameter "time": Invalid time value for 'time': cannot parse "1e20" to a valid timestamp`,
      ),
    },
  ),
  instant({ timeout: 'abc' }),
  instant({ timeout: '1e30' }),
  instant(
    { limit: 'abc' },
    {
      why: IGNORED_IN_2,
      ours: badData('invalid parameter "limit": strconv.Atoi: parsing "abc": invalid syntax'),
    },
  ),
  instant(
    { limit: '-1' },
    { why: IGNORED_IN_2, ours: badData('invalid parameter "limit": limit must be non-negative') },
  ),
  instant(
    { lookback_delta: 'abc' },
    {
      why: IGNORED_IN_2,
      ours: badData('invalid parameter "lookback_delta": cannot parse "abc" to a valid duration'),
    },
  ),
  range({}),
  range({ query: 'vector(3)', step: '10s' }),
  range({ end: '11000', step: '1', query: 'vector(1) > 2' }),
  range({ start: '' }),
  range({ end: '' }),
  range({ step: '' }),
  range({ start: 'x' }),
  range({ end: 'y' }),
  range({ step: '0' }),
  range({ step: '-1' }),
  range({ step: 'abc' }),
  range({ step: '1e30' }),
  range({ start: '31' }),
  range({ end: '11001', step: '1' }),
  range(
    { step: '0.0001' },
    {
      why: 'less than a millisecond is divided by zero in Prometheus',
      ours: badData(
        'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
      ),
    },
  ),
  range(
    { query: 'rate(' },
    {
      why: NAMED_SINCE_3,
      ours: badData('invalid parameter "query": 1:6: parse error: unclosed left parenthesis'),
    },
  ),
  range(
    { query: '' },
    {
      why: NAMED_SINCE_3,
      ours: badData('invalid parameter "query": 1:1: parse error: no expression found in input'),
    },
  ),
  range(
    { query: '"text"' },
    {
      why: NAMED_SINCE_3,
      ours: badData(
        'invalid parameter "query": invalid expression type "string" for range query, must be Scalar or instant Vector',
      ),
    },
  ),
  range(
    { query: 'x[5m]' },
    {
      why: NAMED_SINCE_3,
      ours: badData(
        'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector',
      ),
    },
  ),
]

const RULES: readonly Request[] = [
  ['rules', { type: 'bad' }],
  ['rules', { type: 'alert', 'file[]': 'none' }],
  ['rules', { type: 'RECORD', 'file[]': 'none' }],
]

async function ask(
  base: string,
  [path, parameters]: Request,
  method: 'GET' | 'POST' = 'GET',
): Promise<Answer> {
  const form = new URLSearchParams(parameters)
  const url = `${base}/api/v1/${path}`
  const response = await (method === 'GET'
    ? fetch(`${url}?${form.toString()}`)
    : fetch(url, { method: 'POST', body: form }))
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const body = (await response.json()) as Record<string, unknown>
  return {
    status: response.status,
    errorType: body['errorType'] as string | undefined,
    error: body['error'] as string | undefined,
    data: body['data'],
  }
}

describe.skipIf(!hasPrometheus)('beside a real Prometheus', () => {
  let theirs: PrometheusServer
  let ours: RunningCeleriac
  beforeAll(async () => {
    theirs = await startPrometheus()
    ours = await startCeleriac(['demo'])
  }, 60_000)
  afterAll(async () => {
    await ours?.stop()
    await theirs?.stop()
  })

  test.each([
    ...REQUESTS.flatMap(each => (['GET', 'POST'] as const).map(method => ({ method, request: each }))),
    ...RULES.map(each => ({ method: 'GET' as const, request: each })),
  ])('$method $request.0 $request.1', async ({ method, request: asked }) => {
    const [, , differs] = asked
    const expected = await ask(theirs.url, asked, method)
    const got = await ask(ours.url, asked, method)
    if (differs === undefined) expect(got).toEqual(expected)
    else {
      expect(got).toMatchObject(differs.ours)
      // Not a difference any more: take it off the list.
      expect(got).not.toEqual(expected)
    }
  })

  test('what a form says goes over what the address says', async () => {
    for (const base of [theirs.url, ours.url]) {
      const response = await fetch(`${base}/api/v1/query?query=2&time=7`, {
        method: 'POST',
        body: new URLSearchParams({ query: '1' }),
      })
      expect(await response.json()).toEqual({
        status: 'success',
        data: { resultType: 'scalar', result: [7, '1'] },
      })
    }
  })

  test('a form of several parts is read, and a POST without a body asks what its address says', async () => {
    const parts = new FormData()
    parts.set('query', '1')
    parts.set('time', '7')
    for (const base of [theirs.url, ours.url])
      for (const [query, init] of [
        ['', { method: 'POST', body: parts }],
        ['?query=1&time=7', { method: 'POST' }],
        ['?query=1&time=7', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }],
      ] as const) {
        const response = await fetch(`${base}/api/v1/query${query}`, init)
        expect(await response.json()).toEqual({
          status: 'success',
          data: { resultType: 'scalar', result: [7, '1'] },
        })
      }
  })
})
