/** Plays rules and cases with our own parser, store, evaluator and alert state machine, whose windows are those of Prometheus 3. */
import { DAY } from '../../src/base/index.ts'
import { type RuleTestResult, runRuleTests } from '../../src/rules/index.ts'
import { createHead } from '../../src/store/index.ts'
import { stringify } from 'yaml'
import type { Case, TestFile } from './catalog-promtool.ts'

/** A rule test file as it stands; the rule files that it names are among `files`. */
export const runFile = (text: string, files: Readonly<Record<string, string>>): Promise<RuleTestResult> =>
  runRuleTests(text, {
    file: 'cases.yml',
    loadRuleFile: name => {
      const content = files[name]
      if (content === undefined) throw new Error(`no such rule file: ${name}`)
      return content
    },
    newStore: () => createHead({ retentionMs: DAY }),
  })

/** Cases against rule files. */
export function playOurs(
  rules: Readonly<Record<string, string>>,
  tests: readonly Case[],
): Promise<RuleTestResult> {
  const file: TestFile = { rule_files: Object.keys(rules), evaluation_interval: '15s', tests }
  return runFile(stringify(file, { aliasDuplicateObjects: false }), rules)
}
