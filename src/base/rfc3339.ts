/** Go's zero time, which Prometheus and Alertmanager write for "never". */
const ZERO_TIME = '0001-01-01T00:00:00Z'

/** Epoch ms in RFC 3339 as Go's RFC3339Nano prints it, without trailing zeros in the fraction; undefined is Go's zero time. */
export function rfc3339(ms: number | undefined): string {
  if (ms === undefined) return ZERO_TIME
  return new Date(ms)
    .toISOString()
    .replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`))
}
