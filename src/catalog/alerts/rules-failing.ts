import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { either, increase, latest, promql, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const group = { rule_group: 'shop' }
const WINDOW_MS = 10 * MINUTE

export const rulesFailing = alert({
  name: 'CeleriacRulesFailing',
  slug: 'celeriac-rules-failing',
  severity: 'warning',
  component: 'celeriac',
  forMs: 5 * MINUTE,
  threshold: { value: 3, unit: 'count', direction: 'over' },
  parameters: {},
  labels: ['rule_group'],
  scopes: [],
  expr: ({ limit }) =>
    either([
      promql`${sumBy(['rule_group'], increase(metrics.ruleFailures, {}, WINDOW_MS))} > ${limit}`,
      promql`${sumBy(['rule_group'], increase(metrics.ruleGroupMissed, {}, WINDOW_MS))} > ${limit}`,
    ]),
  summary: () =>
    `Rules of group ${label('rule_group')} fail or are skipped: ${VALUE.count} times in 10 minutes`,
  description: ({ limit, for: time }) =>
    `In 10 minutes rules of group ${label('rule_group')} failed, or were skipped because the evaluation before took too long, ${VALUE.count} times, and more than ${limit} times for ${time}. Alerts of this group cannot be relied on.`,
  panel: 'self-rules-missed',
  cloudwatch: null,
  runbook: {
    title: 'Rules fail',
    meaning: [
      'A rule that cannot be evaluated neither fires nor resolves. One that is skipped comes late.',
      'Rules of the catalog do not fail by themselves; those of your own files may, when labels do not match.',
    ],
    check: [
      {
        text: 'Which group fails?',
        query: sumBy(['rule_group'], increase(metrics.ruleFailures, {}, WINDOW_MS)),
      },
      {
        text: 'Which is skipped?',
        query: sumBy(['rule_group'], increase(metrics.ruleGroupMissed, {}, WINDOW_MS)),
      },
      { text: 'How long does each take?', query: latest(metrics.ruleGroupDuration) },
      {
        text: 'What is the error?',
        shell: 'curl -s http://<host>:9808/api/v1/rules | grep -o \'"lastError":"[^"]*"\'',
      },
    ],
    act: [
      { text: 'An error of matching: state on or ignoring, and group_left where many meet one.' },
      { text: 'Too slow: a longer interval for the group, or a shorter window.' },
    ],
    escalate: ['The group holds alerts that page.'],
    before: [{ text: 'Evaluations became longer as series grew.', query: latest(metrics.storeSeries) }],
  },
  scenes: {
    fires: [
      fires('a rule fails each time', 15, [line(metrics.ruleFailures, group, '0+1x80')], {
        labels: group,
        summary: 'Rules of group shop fail or are skipped: 40 times in 10 minutes',
        description:
          'In 10 minutes rules of group shop failed, or were skipped because the evaluation before took too long, 40 times, and more than 3 times for 5m. Alerts of this group cannot be relied on.',
      }),
      fires('every second evaluation is skipped', 15, [line(metrics.ruleGroupMissed, group, '0+0.5x80')], {
        labels: group,
        summary: 'Rules of group shop fail or are skipped: 20 times in 10 minutes',
        description:
          'In 10 minutes rules of group shop failed, or were skipped because the evaluation before took too long, 20 times, and more than 3 times for 5m. Alerts of this group cannot be relied on.',
      }),
    ],
    quiet: [
      quiet('one failure', 15, [line(metrics.ruleFailures, group, '0x40 1x40')]),
      quiet('a rule has failed for four minutes', 4, [line(metrics.ruleFailures, group, '0+1x80')]),
    ],
  },
})
