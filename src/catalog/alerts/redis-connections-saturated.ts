import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, on, promql, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const broker = { broker: 'default' }
const share = promql`
  ${latest(metrics.redisConnectedClients)}
  / ${on('broker')}
  (${latest(metrics.redisMaxClients)} > 0)`

export const redisConnectionsSaturated = alert({
  name: 'RedisConnectionsSaturated',
  slug: 'redis-connections-saturated',
  guide: 14,
  severity: 'critical',
  component: 'redis',
  forMs: 5 * MINUTE,
  threshold: { value: 0.9, unit: 'ratio', direction: 'over' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  expr: ({ limit }) => promql`${share} > ${limit}`,
  summary: () => `Redis of broker ${label('broker')} has ${VALUE.ratio} of its connections in use`,
  description: ({ limit, for: time }) =>
    `Redis of broker ${label('broker')} has had more than ${limit} of maxclients connected for ${time}; ${VALUE.ratio} now. At 100% it refuses workers, producers and Celeriac.`,
  panel: 'redis-connections',
  cloudwatch: {
    metric: 'RedisConnectionsRatio',
    publishes: share,
    dimensions: ['broker'],
    statistic: 'Maximum',
    periodSeconds: 300,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'Redis is running out of connections',
    meaning: [
      'Nearly all connections that Redis allows are taken. The next client, perhaps a worker after a restart, is refused.',
      'A Celery worker holds several connections, and its pool up to broker_pool_limit more; web processes that publish hold theirs.',
    ],
    check: [
      { text: 'Sudden or slowly rising? A slope is a leak.', query: latest(metrics.redisConnectedClients) },
      { text: 'Does Celeriac itself reconnect?', query: sumBy(['broker'], increase(metrics.brokerConnects)) },
      { text: 'How many workers are there?', query: latest(metrics.workerCount) },
      {
        text: 'Who holds them?',
        shell:
          "redis-cli -h <broker host> client list | sed 's/.* addr=\\([^:]*\\):.*/\\1/' | sort | uniq -c | sort -rn | head",
      },
      { text: 'What is the limit?', shell: 'redis-cli -h <broker host> config get maxclients' },
    ],
    act: [
      { text: 'One address holds most: restart that process; it opens clients and never closes them.' },
      { text: 'Many processes with reason: lower broker_pool_limit and redis_max_connections.' },
      {
        text: 'Clients idle for hours (`idle=` in the list): end them, and repair the process that leaks them.',
        shell: 'redis-cli -h <broker host> client kill addr <address:port>',
      },
      { text: 'Raise maxclients, together with the file limit of the Redis process.' },
    ],
    escalate: ['Clients are refused ("max number of clients reached").'],
    before: [
      {
        text: 'A slope over days is a leak, a step is a deploy that opens more of them.',
        query: latest(metrics.redisConnectedClients),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        '9 500 of 10 000 clients are connected',
        10,
        [
          line(metrics.redisConnectedClients, broker, '9500x60'),
          line(metrics.redisMaxClients, broker, '10000x60'),
        ],
        {
          labels: broker,
          summary: 'Redis of broker default has 95% of its connections in use',
          description:
            'Redis of broker default has had more than 90% of maxclients connected for 5m; 95% now. At 100% it refuses workers, producers and Celeriac.',
        },
      ),
    ],
    quiet: [
      quiet('nearly full for four minutes so far', 4, [
        line(metrics.redisConnectedClients, broker, '9500x60'),
        line(metrics.redisMaxClients, broker, '10000x60'),
      ]),
      quiet('half are connected', 10, [
        line(metrics.redisConnectedClients, broker, '5000x60'),
        line(metrics.redisMaxClients, broker, '10000x60'),
      ]),
      quiet('the limit is not known', 10, [line(metrics.redisConnectedClients, broker, '9500x60')]),
    ],
  },
})
