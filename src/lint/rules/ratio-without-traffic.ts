import { type Expr, unwrap } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import type { Project } from '../project.ts'
import { nodes } from '../promql/expression.ts'
import { limitOf, selectorsIn, shown, walkWithParents } from '../promql/inside.ts'

export const ratioWithoutTraffic: LintRule = {
  name: 'ratio-without-traffic',
  severity: 'warning',
  title: 'An alert on a share of task events without a least number of them',
  why: 'At night two tasks run and one fails: 50 % failed, and somebody is called. A share says nothing about few events. Ask for a least number too: `and sum(increase(…failed_total[10m])) >= 5`.',
  bad: [
    {
      path: 'tasks.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: TasksFail
        expr: sum by (name) (rate(celery_task_failed_total[10m])) / sum by (name) (rate(celery_task_received_total[10m])) > 0.05
`,
    },
  ],
  good: [
    {
      path: 'tasks.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: TasksFail
        expr: |
          sum by (name) (rate(celery_task_failed_total[10m])) / sum by (name) (rate(celery_task_received_total[10m])) > 0.05
          and sum by (name) (increase(celery_task_failed_total[10m])) >= 5
`,
    },
  ],
  check(project, report) {
    for (const alert of project.alerts) {
      const { expression } = alert
      if (expression.tree === undefined || hasFloor(expression.tree, project)) continue
      for (const node of nodes(expression, 'binary')) {
        const limit = limitOf(node)
        const counter = limit === undefined ? undefined : ratioOf(limit.of, project, 0)
        if (counter === undefined) continue
        report({
          at: expression.place(node.span),
          within: alert.place,
          message: `${alert.name} compares a share (${shown(limit?.of ?? node)}) however few tasks there were`,
          fix: `… and sum(increase(${counter}[10m])) >= 5`,
        })
        break
      }
    }
  },
}

/** The counter of task events on top of a division, through parentheses, factors, `1 - …` and recorded series. */
function ratioOf(expr: Expr, project: Project, depth: number): string | undefined {
  const inner = unwrap(expr)
  if (depth > 8) return undefined
  if (inner.type === 'selector') {
    const tree = inner.name === undefined ? undefined : project.recorded.get(inner.name)?.expression.tree
    return tree === undefined || hasFloor(tree, project) ? undefined : ratioOf(tree, project, depth + 1)
  }
  if (inner.type !== 'binary') return undefined
  if (inner.op === '/') {
    const counters = (side: Expr): readonly string[] =>
      selectorsIn(side).flatMap(({ name }) =>
        name !== undefined && project.metrics.get(name)?.appearsLate === true ? [name] : [],
      )
    const [top] = counters(inner.left)
    if (top !== undefined && counters(inner.right).length > 0) return top
  }
  if (['*', '/', '-'].includes(inner.op))
    return ratioOf(inner.left, project, depth + 1) ?? ratioOf(inner.right, project, depth + 1)
  return undefined
}

/** Whether an expression asks for a number of events: a comparison of counters that divides nothing, or a least divisor. */
function hasFloor(expr: Expr, project: Project): boolean {
  let found = false
  walkWithParents(expr, (node, parents) => {
    if (node.type === 'call' && node.name === 'clamp_min') found = true
    const limit = limitOf(node)
    if (limit === undefined || !['>', '>='].includes(limit.op) || ratioOf(limit.of, project, 0) !== undefined)
      return
    const counts = selectorsIn(limit.of).some(
      ({ name }) => name !== undefined && project.metrics.get(name)?.kind === 'counter',
    )
    // `x / (rate > 0)` keeps from dividing by 0 and asks for no number.
    const inDivisor = parents.some(parent => parent.type === 'binary' && parent.op === '/')
    if (counts && !inDivisor) found = true
  })
  return found
}
