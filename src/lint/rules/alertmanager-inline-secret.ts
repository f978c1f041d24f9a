import { integrations } from '../artefacts/alertmanager.ts'
import type { LintRule } from '../contract.ts'
import type { Tree } from '../text/tree.ts'
import { alertmanagerExample } from './examples.ts'

const CONFIG = (secret: string): string => `route:
  receiver: slack
receivers:
  - name: slack
    slack_configs:
      - channel: '#alerts'
        ${secret}
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`
const HOOK = 'https://hooks.slack.com/services/T000/B000/XXXX'

/** Keys that hold secrets, and the key that names a file instead (Alertmanager 0.25 unless said). */
const SECRETS: Readonly<Record<string, string>> = {
  slack_api_url: 'slack_api_url_file',
  api_url: 'api_url_file',
  opsgenie_api_key: 'opsgenie_api_key_file',
  victorops_api_key: 'victorops_api_key_file',
  smtp_auth_password: 'smtp_auth_password_file',
  auth_password: 'auth_password_file',
  routing_key: 'routing_key_file',
  service_key: 'service_key_file',
  api_key: 'api_key_file',
  bot_token: 'bot_token_file',
  token: 'token_file',
  user_key: 'user_key_file',
}
/** Filled in before Alertmanager sees it. */
const PLACEHOLDER = /^\s*$|^\$\{?\w+\}?$|^\{\{.*\}\}$|^<[\w-]+>$/

export const alertmanagerInlineSecret: LintRule = {
  name: 'alertmanager-inline-secret',
  severity: 'warning',
  title: 'A secret written into the configuration',
  why: 'The file goes into a repository, a ConfigMap, a backup, and everybody who may read it may write into your channels or page your people. Name a file that only Alertmanager can read.',
  bad: alertmanagerExample(CONFIG(`api_url: ${HOOK}`)),
  good: alertmanagerExample(CONFIG('api_url_file: /etc/alertmanager/secrets/slack')),
  sources: ['https://prometheus.io/docs/alerting/latest/configuration/'],
  check({ alertmanagers }, report) {
    for (const view of alertmanagers) {
      const global = view.root.get('global')
      const places: readonly { readonly tree: Tree; readonly kind: string }[] = [
        ...(global === undefined ? [] : [{ tree: global, kind: 'global' }]),
        ...integrations(view),
      ]
      for (const { tree, kind } of places) {
        for (const { key, keyPlace, value } of tree.entries) {
          const file = SECRETS[key]
          if (file === undefined || value.scalar === undefined || PLACEHOLDER.test(value.scalar)) continue
          // `api_url` is a secret of Slack only; elsewhere it is the address of a service.
          if (key === 'api_url' && kind !== 'slack') continue
          report({
            at: keyPlace,
            within: tree.place,
            message: `${key} holds a secret in plain text`,
            fix: `${file}: /etc/alertmanager/secrets/${kind === 'global' ? key.split('_')[0] : kind}`,
          })
        }
      }
    }
  },
}
