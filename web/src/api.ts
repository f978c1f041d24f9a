import type { Overview } from '../../src/contract/index.ts'
import type { RangeSeries } from './chart/series.ts'

/** An answer of the server that is not the one asked for: its status, its reason, and the id under which its log has it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly requestId: string | null

  constructor(message: string, requestId: string | null) {
    super(message)
    this.requestId = requestId
  }
}

/** JSON from a path relative to the base of the page. Throws ApiError with a sentence a person can read. */
async function getJson(path: string, signal: AbortSignal | undefined): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(path, {
      ...(signal === undefined ? {} : { signal }),
      headers: { accept: 'application/json' },
    })
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new ApiError('The server does not answer.', null)
  }
  const requestId = response.headers.get('x-request-id')
  let body: unknown
  try {
    body = await response.json()
  } catch {
    body = undefined
  }
  if (!response.ok) {
    const reason = reasonOf(body)
    throw new ApiError(
      `The server answered ${response.status}${reason === undefined ? '' : `: ${reason}`}`.replace(
        /\.?$/,
        '.',
      ),
      requestId,
    )
  }
  if (body === undefined) throw new ApiError('The answer is not JSON.', requestId)
  return body
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The reason in an error body: Prometheus puts it in `error`, Celeriac in `message`. */
function reasonOf(body: unknown): string | undefined {
  if (!isRecord(body)) return undefined
  if (isRecord(body.error)) return reasonOf(body.error)
  const text = body.error ?? body.message
  return typeof text === 'string' && text !== '' ? text.slice(0, 300) : undefined
}

/** An overview and when this browser got it. */
export interface Received {
  readonly overview: Overview
  readonly receivedAtMs: number
}

/** The shape that the page relies on. The server validates against the full schema; this only catches another server's answer. */
function isOverview(value: unknown): value is Overview {
  return (
    isRecord(value) &&
    typeof value.version === 'string' &&
    typeof value.nowMs === 'number' &&
    typeof value.collectIntervalMs === 'number' &&
    isRecord(value.verdict) &&
    isRecord(value.rulesEvaluated) &&
    ['brokers', 'sources', 'tiles', 'charts', 'queues', 'workers', 'alerts', 'failing', 'changes'].every(
      name => Array.isArray(value[name]),
    )
  )
}

/** Takes an overview that arrived now. Throws ApiError when it is none. */
export function receiveOverview(value: unknown): Received {
  if (!isOverview(value))
    throw new ApiError('The answer is no overview: is another version of Celeriac behind this address?', null)
  return { overview: value, receivedAtMs: Date.now() }
}

/** Asks for the overview. */
export const fetchOverview = async (signal?: AbortSignal): Promise<Received> =>
  receiveOverview(await getJson('api/celeriac/overview', signal))

/** Asks for an expression over a range in epoch seconds. */
export async function fetchRange(
  query: { readonly expr: string; readonly from: number; readonly to: number; readonly step: number },
  signal?: AbortSignal,
): Promise<readonly RangeSeries[]> {
  const search = new URLSearchParams({
    query: query.expr,
    start: String(query.from),
    end: String(query.to),
    step: String(query.step),
  })
  const body = await getJson(`api/v1/query_range?${search}`, signal)
  const data = isRecord(body) && isRecord(body.data) ? body.data : undefined
  if (data?.resultType !== 'matrix' || !Array.isArray(data.result))
    throw new ApiError('The answer to the range query is no matrix.', null)
  return data.result as readonly RangeSeries[]
}
