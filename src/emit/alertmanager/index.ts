/** Routes, receivers and inhibition for an Alertmanager, and a script that proves the routes with amtool. */
import { formatDuration } from '../../base/index.ts'
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { outsideGroups } from '../prometheus/meta.ts'
import type { EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, type YamlNote } from '../yaml.ts'
import {
  type AlertMatcher,
  type AlertRoute,
  GROUP_BY,
  inhibitRules,
  receiversOf,
  ROOT_RECEIVER,
  routes,
  SECRET_KEYS,
} from './routing.ts'
import {
  PAGERDUTY_DESCRIPTION,
  PAGERDUTY_DETAILS,
  SEVERITY,
  SLACK_COLOR,
  SLACK_TEXT,
  TITLE,
} from './texts.ts'

const CONFIG_FILE = 'alertmanager.yml'
const TESTS_FILE = 'routes.test.sh'

const written = ({ name, type, value }: AlertMatcher): string => `${name}${type}${JSON.stringify(value)}`

const timing = (
  times: Pick<AlertRoute, 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs'>,
): Record<string, string> =>
  Object.fromEntries(
    (
      [
        ['group_wait', times.groupWaitMs],
        ['group_interval', times.groupIntervalMs],
        ['repeat_interval', times.repeatIntervalMs],
      ] as const
    ).flatMap(([key, ms]) => (ms === undefined ? [] : [[key, formatDuration(ms)]])),
  )

function config(settings: EmitSettings) {
  const secret = (key: string): string => `${settings.secrets}/${key}`
  return {
    ...(settings.pagerdutyUrl !== undefined && { global: { pagerduty_url: settings.pagerdutyUrl } }),
    route: {
      receiver: ROOT_RECEIVER,
      group_by: GROUP_BY,
      ...timing(settings),
      routes: routes.map(route => ({
        matchers: route.matchers.map(written),
        receiver: route.receiver,
        ...(route.continue && { continue: true }),
        ...timing(route),
      })),
    },
    inhibit_rules: inhibitRules(settings).map(({ source, targets, equal }) => ({
      source_matchers: source.map(written),
      target_matchers: [written({ name: 'alertname', type: '=~', value: targets.join('|') })],
      equal,
    })),
    receivers: [
      {
        name: 'slack',
        slack_configs: [
          {
            api_url_file: secret(SECRET_KEYS.slack),
            send_resolved: true,
            title: TITLE,
            title_link: settings.externalUrl,
            text: SLACK_TEXT,
            color: SLACK_COLOR,
          },
        ],
      },
      {
        name: 'pagerduty',
        pagerduty_configs: [
          {
            routing_key_file: secret(SECRET_KEYS.pagerduty),
            send_resolved: true,
            severity: SEVERITY,
            description: PAGERDUTY_DESCRIPTION,
            class: '{{ .CommonLabels.alertname }}',
            component: '{{ .CommonLabels.component }}',
            client: 'Celeriac',
            client_url: settings.externalUrl,
            details: PAGERDUTY_DETAILS,
          },
        ],
      },
      {
        name: 'watchdog',
        ...(settings.watchdogUrl !== undefined && {
          webhook_configs: [{ url: settings.watchdogUrl, send_resolved: false }],
        }),
      },
    ],
  }
}

/** Every alert that is emitted, with the labels by which routes choose. */
const alertLabels = (
  settings: EmitSettings,
): readonly (readonly [string, Readonly<Record<string, string>>])[] =>
  outsideGroups(settings)
    .flatMap(({ rules }) => rules)
    .flatMap(rule =>
      rule.kind === 'alert' ? [[rule.alert, { ...rule.labels, alertname: rule.alert }] as const] : [],
    )

function routeTests(settings: EmitSettings): string {
  const line = (labels: Readonly<Record<string, string>>): string =>
    `expect ${receiversOf(labels).join(',')} ${Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`
  const top = header(
    settings,
    'Which receivers each alert reaches, asked of amtool. Syntax checks say nothing of this.',
    `sh ${TESTS_FILE} [${CONFIG_FILE}]`,
  )
  return [
    '#!/bin/sh',
    ...top.split('\n').map(text => `# ${text}`),
    'set -eu',
    `config=\${1:-"$(dirname "$0")/${CONFIG_FILE}"}`,
    'amtool check-config "$config"',
    'expect() {',
    '  receivers=$1',
    '  shift',
    '  amtool config routes test --config.file="$config" --verify.receivers="$receivers" "$@"',
    '}',
    ...alertLabels(settings).map(([, labels]) => line(labels)),
    '# Alerts of others.',
    line({ alertname: 'Other', severity: 'critical' }),
    line({ alertname: 'Other' }),
    '',
  ].join('\n')
}

function emitAlertmanager(settings: EmitSettings): readonly EmittedFile[] {
  const what = [
    'Alertmanager: critical alerts to PagerDuty and Slack, all others to Slack; one fault is told once; the watchdog.',
    'Secrets are files of one line each, readable for Alertmanager alone; another folder: --secrets DIR',
    ...Object.values(SECRET_KEYS).map(key => `  ${settings.secrets}/${key}`),
  ].join('\n')
  const watchdog =
    settings.watchdogUrl === undefined
      ? 'Always firing, so that silence means death. It goes nowhere yet: --watchdog-url URL of what calls people when it stops.'
      : 'Always firing, so that silence means death.'
  const notes: readonly YamlNote[] = [
    [['route', 'group_by'], 'Labels of all alerts on fleets: two brokers are two messages.'],
    [['route', 'routes', 0], watchdog],
    [['route', 'routes', 1], 'Critical: PagerDuty, and then on to the next route, which is Slack.'],
    ...inhibitRules(settings).map(({ why }, i): YamlNote => [['inhibit_rules', i], why]),
  ]
  return [
    {
      path: CONFIG_FILE,
      content: toYaml(
        header(settings, what, `alertmanager --config.file=${CONFIG_FILE}`),
        config(settings),
        notes,
      ),
    },
    { path: TESTS_FILE, content: routeTests(settings), executable: true },
  ]
}

export const alertmanagerTarget: Target = {
  name: 'alertmanager',
  description: 'routes, inhibition and receivers for Alertmanager, secrets as files, and tests of the routes',
  uses: ['config', 'secrets', 'pagerdutyUrl', 'watchdogUrl'],
  files: emitAlertmanager,
  print: settings => emitAlertmanager(settings)[0]?.content ?? '',
}
