import { errorText } from '../base/index.ts'
import { CORRELATION_HEADER, currentCorrelationId } from '../correlation/index.ts'
import type { DeliveryFailure, DeliveryResult } from './contract.ts'

/** What an HTTP status means for a notification; the first row that matches counts. */
const STATUS_TABLE: readonly {
  readonly from: number
  readonly to: number
  readonly reason: DeliveryFailure | 'ok'
  readonly retry: boolean
}[] = [
  { from: 200, to: 299, reason: 'ok', retry: false },
  // Never followed: the new place would get the secrets meant for the old one.
  { from: 300, to: 399, reason: 'client_error', retry: false },
  { from: 408, to: 408, reason: 'timeout', retry: true },
  { from: 425, to: 425, reason: 'server_error', retry: true },
  { from: 429, to: 429, reason: 'rate_limited', retry: true },
  { from: 400, to: 499, reason: 'client_error', retry: false },
  { from: 501, to: 501, reason: 'server_error', retry: false },
  { from: 500, to: 599, reason: 'server_error', retry: true },
]

/** No server may silence a channel for longer than this with `Retry-After`. */
const MAX_RETRY_AFTER_MS = 3_600_000

/** Error bodies are read this far at most, for their error code only. */
const MAX_BODY_BYTES = 1024

export interface Post {
  /** May be a secret; shows up nowhere. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  /** How the place is called in `detail`: never the URL. */
  readonly place: string
  /** Finds, in the beginning of the body of an error answer, what is safe to repeat to people. */
  readonly explain?: (body: string) => string | undefined
  readonly now: () => number
}

/** POSTs JSON once and says what came of it, by the table. Never rejects, never follows redirects, never repeats URL or body. */
export async function post(request: Post, signal: AbortSignal): Promise<DeliveryResult> {
  const correlationId = currentCorrelationId()
  let response: Response
  try {
    response = await fetch(request.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'celeriac',
        ...(correlationId === undefined ? {} : { [CORRELATION_HEADER]: correlationId }),
        ...request.headers,
      },
      body: JSON.stringify(request.body),
      redirect: 'manual',
      signal,
    })
  } catch (error) {
    return networkFailure(error, signal, request.place)
  }
  const { status } = response
  const meaning = meaningOf(status)
  if (meaning.reason === 'ok') {
    // It was taken: whatever happens to the rest of the answer, sending again would tell people twice.
    discard(response)
    return { ok: true }
  }
  const explanation =
    request.explain === undefined ? undefined : request.explain(await readBeginning(response))
  discard(response)
  const redirected = status >= 300 && status < 400 ? ' (a redirect, which is not followed)' : ''
  const retryAfterMs = readRetryAfterMs(response.headers.get('retry-after'), request.now())
  return {
    ok: false,
    retry: meaning.retry,
    reason: meaning.reason,
    detail: `${request.place} answered HTTP ${status}${redirected}${explanation === undefined ? '' : `: ${explanation}`}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

/** What a status says of a notification, by the table. */
export const meaningOf = (
  status: number,
): { readonly reason: DeliveryFailure | 'ok'; readonly retry: boolean } =>
  STATUS_TABLE.find(each => status >= each.from && status <= each.to) ?? { reason: 'invalid', retry: false }

/** `Retry-After` as seconds or as an HTTP date (RFC 9110 section 10.2.3), at most an hour; undefined when there is none. */
export function readRetryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const text = header.trim()
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS)
}

function networkFailure(error: unknown, signal: AbortSignal, place: string): DeliveryResult {
  if (signal.aborted)
    return { ok: false, retry: true, reason: 'timeout', detail: `${place} did not answer in time` }
  const code = errorCode(error)
  // undici refuses some ports and malformed headers before it connects: no retry can help.
  if (code === undefined)
    return { ok: false, retry: false, reason: 'invalid', detail: `the request to ${place} cannot be made` }
  return { ok: false, retry: true, reason: 'unreachable', detail: `${place} is not reached: ${code}` }
}

/** Codes such as ECONNREFUSED or UND_ERR_SOCKET; messages are left out since they may hold addresses. */
function errorCode(error: unknown): string | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    if ('code' in each && typeof each.code === 'string') return each.code
  }
  return undefined
}

async function readBeginning(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    while (size < MAX_BODY_BYTES) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      size += value.length
    }
  } catch {
    // The connection broke inside an error answer: the status alone tells enough.
  }
  await reader.cancel().catch(errorText)
  reader.releaseLock()
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8')
}

function discard(response: Response): void {
  // A failure to cancel is a connection that is gone, which is what is wanted.
  void response.body?.cancel().catch(errorText)
}
