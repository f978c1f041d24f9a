import { Hono } from 'hono'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { CeleriacError, type ErrorCode, errorText, type Log } from '../base/index.ts'
import type { InstantResult, MatrixSeries } from '../promql/index.ts'
import { durationMs, invalidParameter, limit, type Parameters, stepMs, timeMs } from './parameters.ts'
import type { HttpPorts, QuerySettings } from './ports.ts'
import { filterRules } from './rule-filter.ts'
import { writeData, writeInstant, writeRange } from './prometheus-json.ts'

/** Prometheus' errorType and HTTP status of our codes (Prometheus `web/api/v1/api.go` apiError). */
const ERROR_TYPES: Partial<Record<ErrorCode, readonly [type: string, status: 400 | 422 | 503]>> = {
  USAGE: ['bad_data', 400],
  QUERY_INVALID: ['bad_data', 400],
  QUERY_FAILED: ['execution', 422],
  QUERY_LIMIT: ['execution', 422],
  QUERY_TIMEOUT: ['timeout', 503],
}

const MAX_STEPS = 11_000
/** As much of a form as Go's `ParseForm` reads. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

const json = (c: Context, body: string): Response => c.body(body, 200, { 'content-type': 'application/json' })

async function parametersOf(c: Context): Promise<Parameters> {
  const parameters = new URL(c.req.url).searchParams
  if (c.req.method !== 'POST') return parameters
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  const body =
    type === 'application/x-www-form-urlencoded'
      ? new URLSearchParams(await c.req.text())
      : type === 'multipart/form-data'
        ? await c.req.formData()
        : []
  for (const [name, value] of body) if (typeof value === 'string') parameters.set(name, value)
  // A body that nobody reads would be a question that was never asked.
  if (Array.isArray(body) && !parameters.has('query') && (await c.req.text()) !== '')
    throw new CeleriacError('USAGE', 'a POST needs content type application/x-www-form-urlencoded')
  return parameters
}

function settings(parameters: Parameters): QuerySettings {
  const timeoutMs = durationMs(parameters, 'timeout')
  const lookbackMs = durationMs(parameters, 'lookback_delta')
  if (timeoutMs !== undefined && timeoutMs <= 0)
    throw new CeleriacError('QUERY_TIMEOUT', 'query timed out in query execution')
  if (lookbackMs !== undefined && lookbackMs <= 0)
    throw invalidParameter('lookback_delta', 'expected a duration of more than 0')
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(lookbackMs === undefined ? {} : { lookbackMs }),
  }
}

function truncate(result: InstantResult, most: number | undefined): InstantResult {
  if (most === undefined) return result
  if (result.type === 'vector') return { ...result, samples: result.samples.slice(0, most) }
  if (result.type === 'matrix') return { ...result, series: result.series.slice(0, most) }
  return result
}

const TRUNCATED = 'results truncated due to limit'

/** Asks, and says of a text that is no expression which parameter it was, as Prometheus 3 does for both kinds of queries. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof CeleriacError && error.code === 'QUERY_INVALID')
      throw new CeleriacError('QUERY_INVALID', `invalid parameter "query": ${error.message}`, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      })
    throw error
  }
}

/**
 * `/api/v1`: Prometheus' HTTP API, GET and form POST, with Prometheus' envelope, error types and words. What to do about an error
 * stands beside it, in `hint`, which Prometheus does not have.
 */
export function apiV1(ports: HttpPorts, log: Log): Hono {
  const api = new Hono()
  api.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: c =>
        c.json({ status: 'error', errorType: 'bad_data', error: 'the form is larger than 10 MiB' }, 413),
    }),
  )

  api.on(['GET', 'POST'], '/query', async c => {
    const parameters = await parametersOf(c)
    const most = limit(parameters)
    const atMs = timeMs(parameters, 'time', ports.nowMs())
    const given = settings(parameters)
    const answer = await asked(() => ports.queryInstant(parameters.get('query') ?? '', atMs, given))
    const size =
      answer.result.type === 'vector'
        ? answer.result.samples.length
        : answer.result.type === 'matrix'
          ? answer.result.series.length
          : 0
    const cut = most !== undefined && size > most
    return json(
      c,
      writeInstant(
        {
          ...answer,
          result: truncate(answer.result, most),
          warnings: cut ? [...answer.warnings, TRUNCATED] : answer.warnings,
        },
        atMs,
      ),
    )
  })

  api.on(['GET', 'POST'], '/query_range', async c => {
    const parameters = await parametersOf(c)
    const most = limit(parameters)
    const startMs = timeMs(parameters, 'start')
    const endMs = timeMs(parameters, 'end')
    if (endMs < startMs) throw invalidParameter('end', 'end timestamp must not be before start time')
    const range = { startMs, endMs, stepMs: stepMs(parameters) }
    if (Math.floor((endMs - startMs) / range.stepMs) > MAX_STEPS) {
      throw new CeleriacError(
        'USAGE',
        'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
      )
    }
    const given = settings(parameters)
    const answer = await asked(() => ports.queryRange(parameters.get('query') ?? '', range, given))
    const cut = most !== undefined && answer.result.length > most
    const result: readonly MatrixSeries[] = cut ? answer.result.slice(0, most) : answer.result
    return json(
      c,
      writeRange({ ...answer, result, warnings: cut ? [...answer.warnings, TRUNCATED] : answer.warnings }),
    )
  })

  api.get('/rules', c =>
    json(c, writeData({ groups: filterRules(ports.rules().groups, new URL(c.req.url).searchParams) })),
  )
  api.get('/alerts', c => json(c, writeData(ports.alerts())))
  api.get('/status/buildinfo', c => json(c, writeData(ports.buildInfo)))

  api.all('*', c => c.json({ status: 'error', errorType: 'not_found', error: `no route ${c.req.path}` }, 404))
  api.onError((error, c) => {
    const known = error instanceof CeleriacError ? error : undefined
    const [errorType, status] =
      (known === undefined ? undefined : ERROR_TYPES[known.code]) ?? (['internal', 500] as const)
    if (status === 500) log.error('A request failed.', { path: c.req.path, error: errorText(error) })
    return c.json(
      {
        status: 'error',
        errorType,
        error: known?.message ?? 'internal error; the log says more',
        ...(known?.hint === undefined ? {} : { hint: known.hint }),
      },
      status,
    )
  })
  return api
}
