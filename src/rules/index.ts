export type * from './contract.ts'
export { ruleGroupId, ruleName } from './contract.ts'
export { createRules, type Rules, type RulesOptions, type WritePort } from './engine.ts'
export { parseRuleFile } from './rule-file.ts'
export { missedSlots, nextEvaluationMs } from './schedule.ts'
export {
  type RuleTestOptions,
  type RuleTestResult,
  type RuleTestStore,
  runRuleTests,
} from './unittest/run.ts'
