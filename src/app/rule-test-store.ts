import { YEAR } from '../base/index.ts'
import type { RuleTestStore } from '../rules/index.ts'
import { createHead } from '../store/index.ts'

/** An empty store that keeps every sample of a rule unit test, which may span days. */
export const newRuleTestStore = (): RuleTestStore => createHead({ retentionMs: 10 * YEAR, maxBytes: 2 ** 31 })
