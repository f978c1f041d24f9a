import { formatDuration } from '../../base/index.ts'
import { type CatalogAlertingRule, ruleGroups, type Scene, SCENE_STEP_MS } from '../../catalog/index.ts'
import type { EmitSettings } from '../settings.ts'

/**
 * The catalog's scenes in promtool's unit-test format, for alerts whose numbers are the catalog's: a scene proves a limit, and
 * says nothing about another one. The rule files are to hold just the groups named.
 */
export function unitTests(
  settings: EmitSettings,
  ruleFiles: readonly string[],
  groupNames: readonly string[],
) {
  const groups = ruleGroups(settings).filter(({ name }) => groupNames.includes(name))
  const rules = new Map(
    groups
      .flatMap(group => group.rules)
      .flatMap(rule => (rule.kind === 'alert' ? [[rule.alert, rule] as const] : [])),
  )
  return {
    rule_files: ruleFiles,
    evaluation_interval: formatDuration(SCENE_STEP_MS),
    // promtool evaluates groups in any order otherwise, and alerts read what the recording rules have just written.
    group_eval_order: groups.map(({ name }) => name),
    tests: settings.alerts
      .filter(({ enabled, asCatalogued }) => enabled && asCatalogued)
      .flatMap(({ alert }) => {
        const rule = rules.get(alert.name)
        if (rule === undefined) return []
        return [
          ...alert.scenes.fires.map(scene => sceneTest(rule, scene, 'fires')),
          ...alert.scenes.quiet.map(scene => sceneTest(rule, scene, 'stays quiet')),
        ]
      }),
  }
}

const sceneTest = (rule: CatalogAlertingRule, scene: Scene, verdict: string) => ({
  name: `${rule.alert} ${verdict}: ${scene.title}`,
  interval: formatDuration(SCENE_STEP_MS),
  input_series: scene.series,
  alert_rule_test: [
    {
      eval_time: formatDuration(scene.atMs),
      alertname: rule.alert,
      exp_alerts: scene.alerts.map(({ labels, summary, description }) => ({
        exp_labels: { ...rule.labels, ...labels },
        exp_annotations: { ...rule.annotations, summary, description },
      })),
    },
  ],
})
