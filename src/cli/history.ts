import { CeleriacError, errorText, HOUR, Labels, redactUrl } from '../base/index.ts'
import type { HistorySeries } from '../baseline/index.ts'

/** The grid of a history, both ends included. */
export interface HistoryGrid {
  readonly startMs: number
  readonly stepMs: number
  readonly steps: number
}

/** Prometheus gives 11,000 points a series at most; two hours keep a question small for whoever answers it. */
const MAX_STEPS = 10_000
const MAX_SPAN_MS = 2 * HOUR
const TIMEOUT_MS = 60_000

interface RangeAnswer {
  readonly status: string
  readonly error?: string
  readonly data?: {
    readonly result?: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly values: readonly (readonly [number, string])[]
    }[]
  }
}

/**
 * Asks a Prometheus-compatible server for an expression over a grid, in pieces. A user and password in the URL are sent as such and
 * never printed. Throws STORE_UNREACHABLE, or QUERY_FAILED with the server's own words.
 */
export async function readHistory(
  url: string,
  expr: string,
  grid: HistoryGrid,
): Promise<readonly HistorySeries[]> {
  const found = new Map<string, HistorySeries>()
  const piece = Math.max(1, Math.min(MAX_STEPS, Math.floor(MAX_SPAN_MS / grid.stepMs)))
  for (let from = 0; from < grid.steps; from += piece) {
    const to = Math.min(grid.steps, from + piece) - 1
    const answer = await askRange(url, {
      query: expr,
      start: String((grid.startMs + from * grid.stepMs) / 1000),
      end: String((grid.startMs + to * grid.stepMs) / 1000),
      step: String(grid.stepMs / 1000),
    })
    for (const { metric, values } of answer.data?.result ?? []) {
      const labels = Labels.from(metric)
      let series = found.get(labels.key)
      if (series === undefined) {
        series = { labels, values: new Float64Array(grid.steps).fill(Number.NaN) }
        found.set(labels.key, series)
      }
      for (const [seconds, value] of values)
        series.values[Math.round((seconds * 1000 - grid.startMs) / grid.stepMs)] = Number(value)
    }
  }
  return [...found.values()]
}

async function askRange(address: string, form: Readonly<Record<string, string>>): Promise<RangeAnswer> {
  const url = new URL(address)
  const headers: Record<string, string> = {}
  if (url.username !== '' || url.password !== '') {
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`
    url.username = ''
    url.password = ''
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query_range`
  const shown = redactUrl(url.href)
  let status: number
  let text: string
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    status = response.status
    text = await response.text()
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new CeleriacError('STORE_UNREACHABLE', `${shown} does not answer: ${errorText(cause)}.`, {
      hint: 'Start Celeriac, or name a server that holds its history with --url.',
    })
  }
  const answer = parsed(text)
  if (answer?.status === 'success') return answer
  if (answer?.error !== undefined)
    throw new CeleriacError('QUERY_FAILED', `${shown} refuses the question: ${answer.error}`)
  throw new CeleriacError(
    'STORE_UNREACHABLE',
    `${shown} answers ${status} and not as Prometheus does: expected JSON with a status.`,
    { hint: 'Give the address before /api/v1 with --url, such as http://127.0.0.1:9808.' },
  )
}

function parsed(text: string): RangeAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'status' in value
      ? (value as RangeAnswer)
      : undefined
  } catch {
    // Not JSON: whoever asked says what came instead.
    return undefined
  }
}
