/** PutMetricData by the AWS SDK, which is an optional package and loaded only when something is published. */
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { CeleriacError } from '../../base/index.ts'
import type { Datum } from './datum.ts'

/** The reason is a label value of `celeriac_cloudwatch_requests_failed_total`. */
export type PutFailure =
  | 'throttled'
  | 'unreachable'
  | 'server_error'
  /** No credentials, or they may not. */
  | 'denied'
  /** CloudWatch does not take these data; sending them again cannot help. */
  | 'refused'

export type PutResult =
  { readonly ok: true } | { readonly ok: false; readonly reason: PutFailure; readonly detail: string }

/** Where data go. */
export interface MetricSink {
  /** One request. Never rejects. */
  put(namespace: string, data: readonly Datum[], signal: AbortSignal): Promise<PutResult>
  close(): void
}

export interface AwsOptions {
  /** Default: as the SDK finds it (AWS_REGION, the shared configuration). */
  readonly region?: string | undefined
  /** A server that stands in for AWS. */
  readonly endpointUrl?: string | undefined
}

const PACKAGE = '@aws-sdk/client-cloudwatch'
const CONNECT_TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 15_000

/** Throws CONFIG_INVALID when the SDK is not installed. Credentials are those that the SDK finds, at the first request. */
export async function openCloudWatch({ region, endpointUrl }: AwsOptions): Promise<MetricSink> {
  const sdk = await import('@aws-sdk/client-cloudwatch').catch((error: unknown) => {
    throw new CeleriacError('CONFIG_INVALID', `Publishing to CloudWatch needs the package ${PACKAGE}.`, {
      hint: `Install it beside celeriac: npm install ${PACKAGE}`,
      cause: error,
    })
  })
  const client: CloudWatchClient = new sdk.CloudWatchClient({
    ...(region === undefined ? {} : { region }),
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
    // Trying again is the publisher's: it keeps what it has meanwhile.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
  })
  return {
    async put(namespace, data, signal) {
      try {
        await client.send(
          new sdk.PutMetricDataCommand({
            Namespace: namespace,
            MetricData: data.map(({ name, unit, dimensions, atMs, values, counts, resolution }) => ({
              MetricName: name,
              Unit: unit,
              Dimensions: dimensions.map(dimension => ({ Name: dimension.name, Value: dimension.value })),
              Timestamp: new Date(atMs),
              Values: [...values],
              Counts: [...counts],
              StorageResolution: resolution,
            })),
          }),
          // A time-out of the request handler only warns.
          { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]) },
        )
        return { ok: true }
      } catch (error) {
        return failureOf(error)
      }
    },
    close: () => client.destroy(),
  }
}

/** Its name and status only: a message of AWS may tell accounts and roles. */
function failureOf(error: unknown): PutResult & { readonly ok: false } {
  const name = error instanceof Error ? error.name : 'Error'
  const status = statusOf(error)
  const detail = status === undefined ? name : `${name}, HTTP ${status}`
  if (status === 429 || /throttl|LimitExceeded/i.test(name)) return { ok: false, reason: 'throttled', detail }
  if (status === 401 || status === 403 || name === 'CredentialsProviderError')
    return { ok: false, reason: 'denied', detail }
  if (status !== undefined && status >= 400 && status < 500) return { ok: false, reason: 'refused', detail }
  return { ok: false, reason: status === undefined ? 'unreachable' : 'server_error', detail }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}
