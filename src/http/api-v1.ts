import { Hono } from 'hono'
import type { Context } from 'hono'
import { CeleriacError, type ErrorCode, errorText } from '../base/index.ts'
import type { InstantResult, MatrixSeries } from '../promql/index.ts'
import { durationMs, limit, type Parameters, requireText, timeMs } from './parameters.ts'
import type { HttpPorts, QuerySettings } from './ports.ts'
import { writeData, writeInstant, writeRange } from './prometheus-json.ts'

/** Prometheus' errorType and HTTP status of our codes (Prometheus `web/api/v1/api.go` apiError). */
const ERROR_TYPES: Partial<Record<ErrorCode, readonly [type: string, status: 400 | 422 | 503]>> = {
  USAGE: ['bad_data', 400],
  QUERY_INVALID: ['bad_data', 400],
  QUERY_FAILED: ['execution', 422],
  QUERY_LIMIT: ['execution', 422],
}

const MAX_POINTS_PER_SERIES = 11_000

const json = (c: Context, body: string): Response => c.body(body, 200, { 'content-type': 'application/json' })

async function parametersOf(c: Context): Promise<Parameters> {
  const parameters = new URL(c.req.url).searchParams
  if (c.req.method !== 'POST') return parameters
  const type = c.req.header('content-type') ?? ''
  if (!type.startsWith('application/x-www-form-urlencoded')) {
    throw new CeleriacError('USAGE', 'a POST needs content type application/x-www-form-urlencoded')
  }
  for (const [name, value] of new URLSearchParams(await c.req.text())) parameters.set(name, value)
  return parameters
}

function settings(parameters: Parameters): QuerySettings {
  const timeoutMs = durationMs(parameters, 'timeout')
  const lookbackMs = durationMs(parameters, 'lookback_delta')
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

/** `/api/v1`: Prometheus' HTTP API, GET and form POST, with Prometheus' envelope and error types. */
export function apiV1(ports: HttpPorts): Hono {
  const api = new Hono()

  api.on(['GET', 'POST'], '/query', async c => {
    const parameters = await parametersOf(c)
    const atMs = timeMs(parameters, 'time', ports.nowMs())
    const most = limit(parameters)
    const answer = await ports.queryInstant(requireText(parameters, 'query'), atMs, settings(parameters))
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
    const startMs = timeMs(parameters, 'start')
    const endMs = timeMs(parameters, 'end')
    const stepMs = durationMs(parameters, 'step')
    if (stepMs === undefined) throw new CeleriacError('USAGE', 'missing parameter "step"')
    if (endMs < startMs)
      throw new CeleriacError('USAGE', 'invalid parameter "end": end timestamp must not be before start time')
    if ((endMs - startMs) / stepMs > MAX_POINTS_PER_SERIES) {
      throw new CeleriacError(
        'USAGE',
        `exceeded maximum resolution of ${MAX_POINTS_PER_SERIES} points per timeseries. Try decreasing the query resolution (?step=XX)`,
      )
    }
    const most = limit(parameters)
    const answer = await ports.queryRange(
      requireText(parameters, 'query'),
      { startMs, endMs, stepMs },
      settings(parameters),
    )
    const cut = most !== undefined && answer.result.length > most
    const result: readonly MatrixSeries[] = cut ? answer.result.slice(0, most) : answer.result
    return json(
      c,
      writeRange({ ...answer, result, warnings: cut ? [...answer.warnings, TRUNCATED] : answer.warnings }),
    )
  })

  api.get('/rules', c => json(c, writeData(ports.rules())))
  api.get('/alerts', c => json(c, writeData(ports.alerts())))
  api.get('/status/buildinfo', c => json(c, writeData(ports.buildInfo)))

  api.all('*', c => c.json({ status: 'error', errorType: 'not_found', error: `no route ${c.req.path}` }, 404))
  api.onError((error, c) => {
    const [errorType, status] =
      (error instanceof CeleriacError ? ERROR_TYPES[error.code] : undefined) ?? (['internal', 500] as const)
    return c.json(
      { status: 'error', errorType, error: error instanceof CeleriacError ? error.line : errorText(error) },
      status,
    )
  })
  return api
}
