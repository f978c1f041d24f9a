import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, on, promql, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const broker = { broker: 'default' }
const share = promql`
  ${latest(metrics.redisMemoryUsed)}
  / ${on('broker')}
  (${latest(metrics.redisMemoryMax)} > 0)`

export const redisMemoryHigh = alert({
  name: 'RedisMemoryHigh',
  slug: 'redis-memory-high',
  guide: 13,
  severity: 'warning',
  component: 'redis',
  forMs: 5 * MINUTE,
  threshold: { value: 0.8, unit: 'ratio', direction: 'over' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  // maxmemory 0 is Redis' default and means no limit: no share, no alert (guide-flaw 18).
  expr: ({ limit }) => promql`${share} > ${limit}`,
  summary: () => `Redis of broker ${label('broker')} uses ${VALUE.ratio} of its memory`,
  description: ({ limit, for: time }) =>
    `Redis of broker ${label('broker')} has used more than ${limit} of maxmemory for ${time}; ${VALUE.ratio} now. When it is full, publishing fails or, depending on its policy, queues are evicted.`,
  panel: 'redis-memory',
  cloudwatch: {
    metric: 'RedisMemoryRatio',
    publishes: share,
    dimensions: ['broker'],
    statistic: 'Average',
    periodSeconds: 300,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'Redis is running out of memory',
    meaning: [
      'Redis has used most of maxmemory. With policy noeviction publishers will get errors; with any other policy Redis may delete a queue.',
      'Without maxmemory this alert cannot speak; then the host’s memory is the limit.',
    ],
    check: [
      { text: 'How fast does it grow?', query: latest(metrics.redisMemoryUsed) },
      {
        text: 'Were keys evicted already? Then tasks may be lost.',
        query: sumBy(['broker'], increase(metrics.brokerEvictedKeys)),
      },
      { text: 'Is it a backlog?', query: latest(metrics.queueDepth) },
      { text: 'Which keys are largest?', shell: 'redis-cli -h <broker host> --bigkeys' },
      { text: 'Which policy holds?', shell: 'redis-cli -h <broker host> config get maxmemory-policy' },
      {
        text: 'Left-over reply and event lists, and results that nobody reads?',
        shell: "redis-cli -h <broker host> --scan --pattern '*reply.celery.pidbox' | wc -l",
      },
    ],
    act: [
      { text: 'A backlog: work it off (see CeleryQueueDepthHigh).' },
      { text: 'Results: shorten result_expires, or set ignore_result where nobody reads them.' },
      { text: 'Orphaned reply lists: delete those whose asker is gone, and expire them in future.' },
      {
        text: 'Set the policy to noeviction: an error is better than a lost queue.',
        shell: 'redis-cli -h <broker host> config set maxmemory-policy noeviction',
      },
      { text: 'Room on the host: raise maxmemory.' },
    ],
    escalate: [
      'Memory reaches 95 %.',
      'Keys were evicted: the owners of the tasks must know that work may be lost.',
    ],
    before: [
      {
        text: 'A queue that filled, or results without an expiry: memory follows the depth of queues, or climbs on its own.',
        query: sumBy(['broker'], latest(metrics.queueDepth)),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'Redis uses 90 of 100 MB',
        10,
        [
          line(metrics.redisMemoryUsed, broker, '90000000x60'),
          line(metrics.redisMemoryMax, broker, '100000000x60'),
        ],
        {
          labels: broker,
          summary: 'Redis of broker default uses 90% of its memory',
          description:
            'Redis of broker default has used more than 80% of maxmemory for 5m; 90% now. When it is full, publishing fails or, depending on its policy, queues are evicted.',
        },
      ),
    ],
    quiet: [
      quiet('full for four minutes so far', 4, [
        line(metrics.redisMemoryUsed, broker, '90000000x60'),
        line(metrics.redisMemoryMax, broker, '100000000x60'),
      ]),
      quiet('Redis has no limit', 10, [
        line(metrics.redisMemoryUsed, broker, '965744x60'),
        line(metrics.redisMemoryMax, broker, '0x60'),
      ]),
      quiet('Redis uses half', 10, [
        line(metrics.redisMemoryUsed, broker, '50000000x60'),
        line(metrics.redisMemoryMax, broker, '100000000x60'),
      ]),
    ],
  },
})
