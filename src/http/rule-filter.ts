import type { PromRuleGroup } from '../views/index.ts'
import { invalidParameter, type Parameters } from './parameters.ts'

const TYPES = { alert: 'alerting', record: 'recording' } as const
const BOOLEANS: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map(text => [text, true]),
  ...['', '0', 'f', 'F', 'FALSE', 'false', 'False'].map(text => [text, false]),
])

/**
 * `/api/v1/rules` narrowed by `type`, `rule_name[]`, `rule_group[]`, `file[]` and `exclude_alerts`; a group without rules left is
 * left out (Prometheus `web/api/v1/api.go` rules). Throws USAGE.
 */
export function filterRules(
  groups: readonly PromRuleGroup[],
  parameters: Parameters,
): readonly PromRuleGroup[] {
  const given = (parameters.get('type') ?? '').toLowerCase()
  if (given !== '' && given !== 'alert' && given !== 'record')
    throw invalidParameter('type', `not supported value ${JSON.stringify(given.slice(0, 80))}`)
  const type = given === '' ? undefined : TYPES[given]
  const exclude = parameters.get('exclude_alerts') ?? ''
  const hideAlerts = BOOLEANS[exclude]
  if (hideAlerts === undefined)
    throw invalidParameter(
      'exclude_alerts',
      `error converting exclude_alerts: strconv.ParseBool: parsing ${JSON.stringify(exclude.slice(0, 80))}: invalid syntax`,
    )
  const oneOf = (name: string): ((value: string) => boolean) => {
    const wanted = new Set(parameters.getAll(`${name}[]`))
    return value => wanted.size === 0 || wanted.has(value)
  }
  const [isFile, isGroup, isRule] = [oneOf('file'), oneOf('rule_group'), oneOf('rule_name')]
  const narrowed = type !== undefined || parameters.has('rule_name[]')
  return groups
    .filter(({ file, name }) => isFile(file) && isGroup(name))
    .map(group => ({
      ...group,
      rules: group.rules
        .filter(rule => isRule(rule.name) && (type === undefined || rule.type === type))
        .map(rule => (hideAlerts && rule.type === 'alerting' ? { ...rule, alerts: [] } : rule)),
    }))
    .filter(({ rules }) => !narrowed || rules.length > 0)
}
