import type { LintRule } from '../contract.ts'

const RULES = (comment: string): string => `groups:
  - name: celery
    rules:
      # celeriac-lint: ignore recorded-name${comment}
      - record: celery_tasks_active_total
        expr: sum by (hostname) (celery_worker_tasks_active)
`

export const ignoreWithoutReason: LintRule = {
  name: 'ignore-without-reason',
  severity: 'warning',
  title: 'A comment that silences a rule and does not say why',
  why: 'In a year nobody knows whether the reason still holds. Write it behind the name: `# celeriac-lint: ignore recorded-name the dashboards of three teams ask for this name`.',
  bad: [{ path: 'load.rules.yml', text: RULES('') }],
  good: [{ path: 'load.rules.yml', text: RULES(' three teams ask for this name') }],
  check({ ignores }, report) {
    for (const { at, reason, rules } of ignores)
      if (reason === '') report({ at, message: `no reason is given for ignoring ${rules.join(', ')}` })
  },
}
