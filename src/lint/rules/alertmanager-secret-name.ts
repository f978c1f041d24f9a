import type { LintRule } from '../contract.ts'

const SECRET = (name: string, key: string): string => `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  namespace: monitoring
stringData:
  ${key}: |
    route:
      receiver: webhook
    receivers:
      - name: webhook
        webhook_configs:
          - url: http://alerts.internal/
    inhibit_rules:
      - source_matchers: [severity="critical"]
        target_matchers: [severity="warning"]
        equal: [alertname]
`

export const alertmanagerSecretName: LintRule = {
  name: 'alertmanager-secret-name',
  severity: 'error',
  title: 'A Secret with an Alertmanager configuration that Prometheus Operator does not read',
  why: 'The operator reads the key `alertmanager.yaml` of the Secret that the Alertmanager names in `configSecret`, or of `alertmanager-<name>`. Another name or key is no error: Alertmanager goes on with the configuration that it has, often the one that tells nobody.',
  bad: [{ path: 'secret.yaml', text: SECRET('alertmanager-config', 'alertmanager.yml') }],
  good: [{ path: 'secret.yaml', text: SECRET('alertmanager-main', 'alertmanager.yaml') }],
  sources: ['https://prometheus-operator.dev/docs/developer/alerting/#managing-alertmanager-configuration'],
  check({ alertmanagers, objects }, report) {
    const named = objects.flatMap(({ kind, name, tree }) =>
      kind === 'Alertmanager' ? [tree.get('spec', 'configSecret')?.scalar ?? `alertmanager-${name}`] : [],
    )
    const mounted = objects.some(
      ({ kind, tree }) =>
        kind !== 'Secret' && kind !== 'Alertmanager' && /\bsecretName:/.test(tree.place.source.text),
    )
    for (const { holder } of alertmanagers) {
      if (holder?.kind !== 'Secret' || mounted) continue
      const entry = holder.tree.get('stringData')?.entry(holder.key)
      const place = entry?.keyPlace ?? holder.tree.place
      if (/^alertmanager\.yml$/.test(holder.key)) {
        report({
          at: place,
          within: holder.tree.place,
          message: `Prometheus Operator reads the key alertmanager.yaml, not ${holder.key}`,
          fix: 'alertmanager.yaml',
          edits: [
            {
              start: place.start,
              end: place.end,
              text: place.source.text.slice(place.start, place.end).replace('.yml', '.yaml'),
            },
          ],
        })
      }
      const name = holder.tree.get('metadata', 'name')
      const fits =
        named.length > 0 ? named.includes(holder.name) : /^alertmanager-(?!config$).+/.test(holder.name)
      if (!fits && name !== undefined && /alertmanager/.test(holder.name))
        report({
          at: name.place,
          within: holder.tree.place,
          message: `Prometheus Operator reads ${named[0] ?? 'the Secret alertmanager-<name of the Alertmanager>'}, not ${holder.name}`,
          fix:
            named[0] ??
            'alertmanager-prometheus-kube-prometheus-alertmanager (kube-prometheus-stack, release prometheus)',
        })
    }
  },
}
