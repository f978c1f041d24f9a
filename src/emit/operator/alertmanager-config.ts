/** The same routes as an AlertmanagerConfig (prometheus-operator, monitoring.coreos.com/v1alpha1). */
import { formatDuration } from '../../base/index.ts'
import {
  type AlertRoute,
  GROUP_BY,
  inhibitRules,
  ROOT_RECEIVER,
  routes,
  SECRET_KEYS,
} from '../alertmanager/routing.ts'
import {
  PAGERDUTY_DESCRIPTION,
  PAGERDUTY_DETAILS,
  SEVERITY,
  SLACK_COLOR,
  SLACK_TEXT,
  TITLE,
} from '../alertmanager/texts.ts'
import { type KubernetesObject, objectMeta } from '../kubernetes-object.ts'
import { NAME } from '../names.ts'
import type { EmitSettings } from '../settings.ts'

/** The Secret that holds what must not stand in a configuration; its keys are `SECRET_KEYS`. */
export const SECRET_NAME = `${NAME}-alertmanager`

const timing = (
  times: Pick<AlertRoute, 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs'>,
): Record<string, string> =>
  Object.fromEntries(
    (
      [
        ['groupWait', times.groupWaitMs],
        ['groupInterval', times.groupIntervalMs],
        ['repeatInterval', times.repeatIntervalMs],
      ] as const
    ).flatMap(([key, ms]) => (ms === undefined ? [] : [[key, formatDuration(ms)]])),
  )

export const alertmanagerConfigObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'monitoring.coreos.com/v1alpha1',
  kind: 'AlertmanagerConfig',
  metadata: objectMeta(settings),
  spec: {
    route: {
      receiver: ROOT_RECEIVER,
      groupBy: GROUP_BY,
      ...timing(settings),
      routes: routes.map(route => ({
        matchers: route.matchers.map(({ name, type, value }) => ({ name, matchType: type, value })),
        receiver: route.receiver,
        ...(route.continue && { continue: true }),
        ...timing(route),
      })),
    },
    inhibitRules: inhibitRules(settings).map(({ source, targets, equal }) => ({
      sourceMatch: source.map(({ name, type, value }) => ({ name, matchType: type, value })),
      targetMatch: [{ name: 'alertname', matchType: '=~', value: targets.join('|') }],
      equal,
    })),
    receivers: [
      {
        name: 'slack',
        slackConfigs: [
          {
            apiURL: { name: SECRET_NAME, key: SECRET_KEYS.slack },
            sendResolved: true,
            title: TITLE,
            titleLink: settings.externalUrl,
            text: SLACK_TEXT,
            color: SLACK_COLOR,
          },
        ],
      },
      {
        name: 'pagerduty',
        pagerdutyConfigs: [
          {
            routingKey: { name: SECRET_NAME, key: SECRET_KEYS.pagerduty },
            ...(settings.pagerdutyUrl !== undefined && { url: settings.pagerdutyUrl }),
            sendResolved: true,
            severity: SEVERITY,
            description: PAGERDUTY_DESCRIPTION,
            class: '{{ .CommonLabels.alertname }}',
            component: '{{ .CommonLabels.component }}',
            client: 'Celeriac',
            clientURL: settings.externalUrl,
            details: Object.entries(PAGERDUTY_DETAILS).map(([key, value]) => ({ key, value })),
          },
        ],
      },
      {
        name: 'watchdog',
        ...(settings.watchdogUrl !== undefined && {
          webhookConfigs: [{ url: settings.watchdogUrl, sendResolved: false }],
        }),
      },
    ],
  },
})
