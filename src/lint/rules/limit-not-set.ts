import type { LintRule } from '../contract.ts'
import { guardEdits, openDivisors } from '../promql/divisor.ts'
import { shown } from '../promql/inside.ts'

export const limitNotSet: LintRule = {
  name: 'limit-not-set',
  severity: 'error',
  title: 'A division by a limit that is 0 when none is set',
  why: 'Redis reports maxmemory 0, and a container limit is 0, when there is no limit: the default of both. The quotient is +Inf, so the alert is always on and says "+Inf% of available memory". Divide only where there is a limit.',
  bad: [
    {
      path: 'redis.rules.yml',
      text: `groups:
  - name: redis
    rules:
      - alert: RedisMemoryHigh
        expr: redis_memory_used_bytes / redis_memory_max_bytes > 0.8
`,
    },
  ],
  good: [
    {
      path: 'redis.rules.yml',
      text: `groups:
  - name: redis
    rules:
      - alert: RedisMemoryHigh
        expr: redis_memory_used_bytes / (redis_memory_max_bytes > 0) > 0.8
`,
    },
  ],
  sources: ['https://redis.io/docs/latest/develop/reference/eviction/#maxmemory-configuration-directive'],
  check(project, report) {
    for (const open of openDivisors(project, 'limit')) {
      const { use, division, metric } = open
      report({
        at: use.expression.place(division.right.span),
        within: use.within,
        message: `${shown(division.right)}: ${metric.name} is 0 where no limit is set, and the quotient is +Inf then`,
        ...guardEdits(open),
      })
    }
  },
}
