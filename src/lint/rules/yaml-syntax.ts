import type { LintRule } from '../contract.ts'

export const yamlSyntax: LintRule = {
  name: 'yaml-syntax',
  severity: 'error',
  title: 'A file that is not YAML or JSON',
  why: 'Whoever loads it refuses it whole. Templates of Helm and the like are passed over: render them first, and give what comes out.',
  bad: [{ path: 'broken.yml', text: 'groups:\n  - name: celery\n   rules: []\n' }],
  good: [{ path: 'broken.yml', text: 'groups:\n  - name: celery\n    rules: []\n' }],
  check({ unreadable }, report) {
    for (const { at, message } of unreadable) report({ at, message: message.replace(/\s+/g, ' ') })
  },
}
