import { Secret } from '../../../base/index.ts'
import type { Channel } from '../../contract.ts'
import { post } from '../../post.ts'
import { webhookPayload } from './payload.ts'

export interface WebhookOptions {
  readonly url: Secret
  readonly bearerToken?: Secret | undefined
  readonly basicAuth?: { readonly username: string; readonly password: Secret } | undefined
  readonly headers?: Readonly<Record<string, Secret>> | undefined
  /** 0, the default, sends all. */
  readonly maxAlerts?: number | undefined
}

/** Posts Alertmanager's webhook body. The URL is a secret: only its host is ever told. */
export function webhookChannel(options: WebhookOptions, now: () => number): Channel {
  const url = new URL(options.url.reveal())
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = value.reveal()
  const basic =
    options.basicAuth ??
    (url.username === ''
      ? undefined
      : {
          username: decodeURIComponent(url.username),
          password: new Secret(decodeURIComponent(url.password)),
        })
  // fetch refuses a URL that holds credentials.
  url.username = ''
  url.password = ''
  if (options.bearerToken !== undefined) headers['authorization'] = `Bearer ${options.bearerToken.reveal()}`
  else if (basic !== undefined) {
    const credentials = Buffer.from(`${basic.username}:${basic.password.reveal()}`).toString('base64')
    headers['authorization'] = `Basic ${credentials}`
  }
  return {
    kind: 'webhook',
    send: (notification, signal) =>
      post(
        {
          url: url.href,
          headers,
          body: webhookPayload(notification, options.maxAlerts ?? 0),
          place: url.host,
          now,
        },
        signal,
      ),
  }
}
