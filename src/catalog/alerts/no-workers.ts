import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label } from '../wording.ts'

const broker = { broker: 'default' }

export const noWorkers = alert({
  name: 'CeleryNoWorkers',
  slug: 'celery-no-workers',
  guide: 4,
  severity: 'critical',
  component: 'celery',
  forMs: MINUTE,
  threshold: { value: 1, unit: 'count', direction: 'under' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  // 0 is proven; while the number cannot be known the series is absent, which is not less than anything (guide-flaw 13).
  expr: ({ limit }) => promql`${latest(metrics.workerCount)} < ${limit}`,
  summary: () => `No Celery worker is up on broker ${label('broker')}`,
  description: ({ for: time }) =>
    `No worker of broker ${label('broker')} has been heard for ${time}, although the broker is connected. Nothing is being processed.`,
  panel: 'worker-count',
  cloudwatch: {
    metric: 'WorkerCount',
    publishes: latest(metrics.workerCount),
    dimensions: ['broker'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: 'breaching',
  },
  runbook: {
    title: 'No workers',
    meaning: [
      'Every worker is gone: no heartbeat, no answer to a ping, and the broker itself is reachable. All queues stand still.',
      'A lost connection between Celeriac and the broker does not raise this alert: then the count is unknown, not 0.',
    ],
    check: [
      { text: 'When did the workers go, all at once or one by one?', query: latest(metrics.workerUp) },
      { text: 'Is the broker connected?', query: latest(metrics.brokerUp) },
      { text: 'How much waits already?', query: sumBy(['broker'], latest(metrics.queueDepth)) },
      {
        text: 'Do the processes run at all?',
        shell:
          'systemctl status <unit>   # or: kubectl get pods -l app.kubernetes.io/component=worker   # or: docker ps -a',
      },
      {
        text: 'What did they say last?',
        shell: 'journalctl -u <unit> -n 100 --no-pager   # or: kubectl logs <pod> --previous',
      },
      { text: 'Can a worker’s host reach the broker?', shell: 'redis-cli -h <broker host> ping' },
    ],
    act: [
      { text: 'A deploy just went out: roll it back.' },
      {
        text: 'Processes are gone: start them. Killed for memory: give them more, or lower their concurrency, before starting.',
      },
      {
        text: 'Processes run but are silent: restart them. A worker can keep its process and lose its connection.',
      },
      {
        text: 'The broker refuses them (password, maxclients, memory): repair that first; they come back by themselves.',
      },
    ],
    escalate: [
      'No worker is back 15 minutes after the first alert.',
      'Work has an agreed deadline that will be missed: tell its owner now.',
    ],
    before: [
      {
        text: 'All at once: a deploy, the host or the broker. One by one over an hour: memory, or tasks that kill their process.',
        query: latest(metrics.workers),
      },
    ],
  },
  scenes: {
    fires: [
      fires('the last of three workers vanishes', 10, [line(metrics.workerCount, broker, '3x20 0x40')], {
        labels: broker,
        summary: 'No Celery worker is up on broker default',
        description:
          'No worker of broker default has been heard for 1m, although the broker is connected. Nothing is being processed.',
      }),
    ],
    quiet: [
      quiet('one worker is left', 10, [line(metrics.workerCount, broker, '3x20 1x40')]),
      quiet('the broker is lost, so the count is unknown', 10, [
        line(metrics.workerCount, broker, '3x20 stale'),
        line(metrics.brokerUp, broker, '1x20 0x40'),
      ]),
      quiet('all workers restart, 45 seconds so far', 10, [line(metrics.workerCount, broker, '3x36 0x40')]),
    ],
  },
})
