import { z } from 'zod'
import { Secret } from '../base/index.ts'
import { slackChannel, type SlackOptions } from './channels/slack/slack.ts'
import { snsChannel, type SnsOptions, TOPIC_ARN } from './channels/sns/sns.ts'
import { webhookChannel, type WebhookOptions } from './channels/webhook/webhook.ts'
import type { Channel, Receiver } from './contract.ts'

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)

/** Messages never repeat the value: it may be a secret in the wrong place. */
const secret = z
  .string()
  .min(1, 'expected some text')
  .transform(text => new Secret(text))

const secretUrl = z
  .string()
  .refine(isHttpUrl, 'expected a URL that begins with http:// or https://')
  .transform(text => new Secret(text))

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected a header name')

const receiver = z
  .strictObject({
    name: z.string().min(1),
    slack: z.strictObject({ webhookUrl: secretUrl, channel: z.string().min(1).optional() }).optional(),
    webhook: z
      .strictObject({
        url: secretUrl,
        bearerToken: secret.optional(),
        basicAuth: z.strictObject({ username: z.string().min(1), password: secret }).optional(),
        headers: z.record(headerName, secret).optional(),
        maxAlerts: z.int().min(0).optional(),
      })
      .refine(webhook => webhook.bearerToken === undefined || webhook.basicAuth === undefined, {
        message: 'expected at most one of bearerToken and basicAuth',
      })
      .optional(),
    sns: z
      .strictObject({
        topicArn: z
          .string()
          .regex(TOPIC_ARN, 'expected the ARN of a topic that is no FIFO: arn:aws:sns:REGION:ACCOUNT:NAME'),
        endpointUrl: z
          .string()
          .refine(isHttpUrl, 'expected a URL that begins with http:// or https://')
          .optional(),
      })
      .optional(),
  })
  .refine(each => each.slack !== undefined || each.webhook !== undefined || each.sns !== undefined, {
    message: 'expected at least one channel: slack, webhook or sns',
  })

/** Options of this room. Secrets come out as `Secret`. */
export const notifyOptions = z.strictObject({
  receivers: z
    .array(receiver)
    .refine(list => new Set(list.map(each => each.name)).size === list.length, {
      message: 'expected receivers with different names',
    })
    .default([]),
})

export type NotifyOptions = z.output<typeof notifyOptions>

/** A receiver as configured. */
export interface ReceiverOptions {
  readonly name: string
  readonly slack?: SlackOptions | undefined
  readonly webhook?: WebhookOptions | undefined
  readonly sns?: SnsOptions | undefined
}

/** Makes the channels. Throws a TypeError on a URL that `notifyOptions` would have refused. */
export function createReceivers(
  receivers: readonly ReceiverOptions[],
  now: () => number,
): readonly Receiver[] {
  return receivers.map(({ name, slack, webhook, sns }) => {
    const channels: Channel[] = []
    if (slack !== undefined) channels.push(slackChannel(slack, now))
    if (webhook !== undefined) channels.push(webhookChannel(webhook, now))
    if (sns !== undefined) channels.push(snsChannel(sns, now))
    return { name, channels }
  })
}
