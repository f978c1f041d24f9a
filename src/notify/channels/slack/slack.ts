import type { Secret } from '../../../base/index.ts'
import type { Channel } from '../../contract.ts'
import { post } from '../../post.ts'
import { slackMessage } from './message.ts'

export interface SlackOptions {
  readonly webhookUrl: Secret
  /** Only legacy webhooks heed it; a webhook of a Slack app has its channel built in. */
  readonly channel?: string | undefined
}

/** Posts to a Slack incoming webhook. Its URL is a password: it is told nowhere, not even its host. */
export function slackChannel(options: SlackOptions, now: () => number): Channel {
  return {
    kind: 'slack',
    send: (notification, signal) =>
      post(
        {
          url: options.webhookUrl.reveal(),
          headers: {},
          body: slackMessage(notification, { channel: options.channel, nowMs: now() }),
          place: 'slack',
          // Slack answers with one word: invalid_payload, channel_is_archived, no_service, …
          explain: body => /^[a-z_]{1,60}$/.exec(body.trim())?.[0],
          now,
        },
        signal,
      ),
  }
}
