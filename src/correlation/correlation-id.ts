import { randomUUID } from 'node:crypto'

/** The header that carries the id over HTTP, in lower case as Node reports it. */
export const CORRELATION_HEADER = 'x-correlation-id'

const WELL_FORMED = /^[A-Za-z0-9._-]{8,64}$/

/** W3C Trace Context, section 3.2: version 00 has exactly these four parts; a later version may append more. */
const TRACEPARENT =
  /^(?<version>[0-9a-f]{2})-(?<trace>[0-9a-f]{32})-(?<parent>[0-9a-f]{16})-[0-9a-f]{2}(?<more>-.*)?$/

/** True for what may be taken over from a stranger: 8 to 64 letters, digits, `.`, `_` and `-`, so that it can forge no log field. */
export function isCorrelationId(value: unknown): value is string {
  return typeof value === 'string' && WELL_FORMED.test(value)
}

/** The trace id of a valid `traceparent`; undefined when the header is missing or must be ignored by the standard. */
export function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== 'string') return undefined
  const parts = TRACEPARENT.exec(traceparent)?.groups
  if (parts === undefined || parts['version'] === 'ff') return undefined
  if (parts['version'] === '00' && parts['more'] !== undefined) return undefined
  const trace = parts['trace'] ?? ''
  return /^0+$/.test(trace) || /^0+$/.test(parts['parent'] ?? '') ? undefined : trace
}

/** A fresh id: a random UUID. */
export const newCorrelationId = (): string => randomUUID()

/** The two headers of a request that may name its correlation. A header that came twice is an array or a list, and is not trusted. */
export interface CorrelationHeaders {
  readonly correlationId: unknown
  readonly traceparent: unknown
}

/** The id of a request: the given one when it is well-formed, else the trace it belongs to, else a new one. Never throws. */
export function acceptCorrelationId({ correlationId, traceparent }: CorrelationHeaders): string {
  if (isCorrelationId(correlationId)) return correlationId
  return traceIdOf(traceparent) ?? newCorrelationId()
}
