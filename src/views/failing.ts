import { compareText } from '../base/index.ts'
import { panels } from '../catalog/index.ts'
import type { Overview } from '../contract/index.ts'
import type { Ask } from './ask.ts'

export type FailingTask = Overview['failing'][number]

/** Tasks that failed most within the hour, by exception, with the share of the task's finished runs that it was. */
export async function buildFailing(ask: Ask): Promise<FailingTask[]> {
  const [failed, runs] = await Promise.all([ask.history(panels.failingTasks), ask.history(panels.taskRuns)])
  const finished = new Map<string, number>()
  for (const { labels, value } of runs.samples) {
    const key = keyOf(labels.get('broker'), labels.get('task'))
    finished.set(key, (finished.get(key) ?? 0) + value)
  }
  return failed.samples
    .map(({ labels, value }): FailingTask => {
      const broker = labels.get('broker')
      const task = labels.get('task')
      const runsOfTask = finished.get(keyOf(broker, task)) ?? 0
      return {
        broker,
        task,
        exception: labels.get('exception'),
        // `increase` extrapolates to the edges of the hour; failures are whole.
        failed: Math.round(value),
        ratio: runsOfTask > 0 ? Math.min(1, value / runsOfTask) : null,
      }
    })
    .filter(row => row.failed > 0)
    .sort(
      (a, b) => b.failed - a.failed || compareText(a.task, b.task) || compareText(a.exception, b.exception),
    )
    .slice(0, 10)
}

const keyOf = (broker: string, task: string): string => JSON.stringify([broker, task])
