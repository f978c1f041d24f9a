/** Publishes to a topic of Amazon SNS by the AWS SDK, an optional package; mail, SMS and queues subscribe there. */
import type { SNSClient } from '@aws-sdk/client-sns'
import type * as SnsModule from '@aws-sdk/client-sns'
import type { Notification } from '../../../alerts/index.ts'
import type { Channel, DeliveryResult } from '../../contract.ts'
import { meaningOf, readRetryAfterMs } from '../../post.ts'
import { snsMessage } from './message.ts'

export interface SnsOptions {
  /** `arn:aws:sns:REGION:ACCOUNT:NAME`; its region is where it is published. */
  readonly topicArn: string
  /** A server that stands in for AWS. */
  readonly endpointUrl?: string | undefined
}

/** Of topics that are no FIFO: those want a group for every message. */
export const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:([A-Za-z0-9_-]{1,256})$/

const CONNECT_TIMEOUT_MS = 5000

/** Credentials are those that the SDK finds. Throws a TypeError for an ARN that `notifyOptions` would have refused. */
export function snsChannel({ topicArn, endpointUrl }: SnsOptions, now: () => number): Channel {
  const [, region, topic] = TOPIC_ARN.exec(topicArn) ?? []
  if (region === undefined || topic === undefined) throw new TypeError('no ARN of a topic')
  const place = `SNS topic ${topic}`
  let opened: Promise<{ readonly sdk: typeof SnsModule; readonly client: SNSClient } | undefined> | undefined
  const open = (): NonNullable<typeof opened> =>
    (opened ??= import('@aws-sdk/client-sns').then(
      sdk => ({
        sdk,
        client: new sdk.SNSClient({
          region,
          ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
          // Trying again is the notifier's.
          maxAttempts: 1,
          requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
        }),
      }),
      () => undefined,
    ))
  return {
    kind: 'sns',
    async send(notification: Notification, signal) {
      const aws = await open()
      if (aws === undefined)
        return {
          ok: false,
          retry: false,
          reason: 'invalid',
          detail: `${place}: the package @aws-sdk/client-sns is not installed beside celeriac`,
        }
      const { subject, message, attributes } = snsMessage(notification, now())
      try {
        await aws.client.send(
          new aws.sdk.PublishCommand({
            TopicArn: topicArn,
            Subject: subject,
            Message: message,
            MessageAttributes: Object.fromEntries(
              Object.entries(attributes).map(([name, text]) => [
                name,
                { DataType: 'String', StringValue: text },
              ]),
            ),
          }),
          { abortSignal: signal },
        )
        return { ok: true }
      } catch (error) {
        return failureOf(error, signal, place, now())
      }
    },
  }
}

/** What an error of the SDK means. Its message is not repeated: it may tell accounts and roles. */
function failureOf(error: unknown, signal: AbortSignal, place: string, nowMs: number): DeliveryResult {
  const { status, retryAfter } = answerOf(error)
  const name = error instanceof Error ? error.name : 'Error'
  if (status === undefined) {
    if (signal.aborted)
      return { ok: false, retry: true, reason: 'timeout', detail: `${place} did not answer in time` }
    if (name === 'CredentialsProviderError')
      return {
        ok: false,
        retry: true,
        reason: 'client_error',
        detail: `${place}: the AWS SDK finds no credentials`,
      }
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : name
    return { ok: false, retry: true, reason: 'unreachable', detail: `${place} is not reached: ${code}` }
  }
  const meaning = /throttl/i.test(name) ? { reason: 'rate_limited' as const, retry: true } : meaningOf(status)
  // It was taken, whatever the answer says: sending again would tell people twice.
  if (meaning.reason === 'ok') return { ok: true }
  const retryAfterMs = readRetryAfterMs(retryAfter, nowMs)
  return {
    ok: false,
    retry: meaning.retry,
    reason: meaning.reason,
    detail: `${place} answered HTTP ${status}: ${name}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

/** The status and the header `Retry-After` of the answer that an error of the SDK is about. */
function answerOf(error: unknown): {
  readonly status: number | undefined
  readonly retryAfter: string | null
} {
  const { $metadata, $response } = Object(error) as {
    readonly $metadata?: { readonly httpStatusCode?: unknown }
    readonly $response?: {
      readonly statusCode?: unknown
      readonly headers?: Readonly<Record<string, unknown>>
    }
  }
  const status = $response?.statusCode ?? $metadata?.httpStatusCode
  const retryAfter = $response?.headers?.['retry-after']
  return {
    status: typeof status === 'number' ? status : undefined,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
  }
}
