/** The broker and its queues: what waits, who takes it, whether the broker is well. */
import { HOUR } from '../../base/index.ts'
import { increase, latest, maxBy, promql } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { gaugeChart, panel, UP } from './panel.ts'

const BROKER = '{{broker}}'
const NAMED = '{{queue}}'

export const brokerPanels = {
  brokerUp: panel({
    id: 'broker-up',
    title: 'Connection',
    subtitle: 'of Celeriac to the broker',
    kind: 'tile',
    unit: 'count',
    queries: [{ expr: latest(metrics.brokerUp), legend: BROKER }],
    reduce: { by: 'min', subject: 'broker' },
    limit: 'CeleryBrokerDown',
    words: UP,
  }),
  brokerRoundtrip: gaugeChart(
    'broker-roundtrip',
    'Round trip',
    'duration of the last question',
    metrics.brokerRoundtrip,
    BROKER,
  ),
  brokerAlarm: gaugeChart(
    'broker-alarm',
    'Alarms',
    'memory, disk, loading, read-only, blocked',
    metrics.brokerAlarm,
    '{{broker}} {{kind}}',
    { words: { 1: 'alarm', 0: 'well' } },
  ),
  brokerMemory: panel({
    id: 'broker-memory',
    title: 'Memory of the broker',
    subtitle: 'used, and its limit where it has one',
    kind: 'chart',
    unit: 'bytes',
    queries: [
      { expr: latest(metrics.brokerMemoryUsed), legend: 'used' },
      { expr: promql`${latest(metrics.brokerMemoryMax)} > 0`, legend: 'limit' },
    ],
  }),
  brokerClients: gaugeChart(
    'broker-clients',
    'Connections',
    'clients of the broker',
    metrics.brokerConnectedClients,
    BROKER,
  ),
  brokerBlockedConsumers: gaugeChart(
    'broker-blocked-consumers',
    'Waiting consumers',
    'Redis clients that wait for a message',
    metrics.brokerBlockedConsumers,
    BROKER,
  ),
  brokerEvicted: panel({
    id: 'broker-evicted',
    title: 'Evicted keys',
    subtitle: 'within an hour; one may have been a queue',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: maxBy(['broker'], increase(metrics.brokerEvictedKeys, {}, HOUR)), legend: BROKER }],
  }),
  brokerPolicy: panel({
    id: 'broker-policy',
    title: 'When memory is full',
    subtitle: 'policy of Redis; anything but noeviction may drop queues',
    kind: 'table',
    unit: 'count',
    queries: [{ expr: latest(metrics.brokerPolicy), legend: '{{broker}} {{policy}}' }],
  }),
  brokerUnacked: gaugeChart(
    'broker-unacked',
    'Delivered and not acknowledged',
    'all queues together',
    metrics.brokerUnacked,
    BROKER,
  ),
  brokerUnackedAge: panel({
    id: 'broker-unacked-age',
    title: 'Oldest delivery that is not acknowledged',
    subtitle: 'and the age at which the broker delivers again',
    kind: 'chart',
    unit: 'seconds',
    queries: [
      { expr: latest(metrics.brokerUnackedOldestAge), legend: 'oldest' },
      { expr: latest(metrics.brokerRedeliveryTimeout), legend: 'redelivered at' },
    ],
  }),
  brokerUnackedOverdue: gaugeChart(
    'broker-unacked-overdue',
    'Overdue deliveries',
    'older than the redelivery timeout and not given back',
    metrics.brokerUnackedOverdue,
    BROKER,
  ),
  brokerControlKeys: gaugeChart(
    'broker-control-keys',
    'Keys of events and remote control',
    'orphans are removed by nobody',
    metrics.brokerControlKeys,
    '{{kind}} orphan={{orphan}}',
  ),
  brokerControlBytes: gaugeChart(
    'broker-control-bytes',
    'Memory of those keys',
    'by a sample',
    metrics.brokerControlBytes,
    '{{kind}}',
  ),

  queueNoProgress: gaugeChart(
    'queue-no-progress',
    'Without progress',
    'time since a queue last moved; 0 when it is empty',
    metrics.queueNoProgress,
    NAMED,
  ),
  queueConsumers: gaugeChart(
    'queue-consumers',
    'Consumers by queue',
    'workers up that take from it',
    metrics.queueConsumers,
    NAMED,
  ),
  queueFreeSlots: gaugeChart(
    'queue-free-slots',
    'Idle slots by queue',
    'of the workers that consume it',
    metrics.queueFreeSlots,
    NAMED,
  ),
  queueReserved: gaugeChart(
    'queue-reserved',
    'Prefetched by queue',
    'tasks that workers hold and have not started',
    metrics.queueReserved,
    NAMED,
  ),
  queueUnacked: gaugeChart(
    'queue-unacked',
    'Unacknowledged by queue',
    'delivered and not acknowledged',
    metrics.queueUnacked,
    NAMED,
  ),
  queueLoad: gaugeChart(
    'queue-load',
    'Load by queue',
    'running, reserved and waiting tasks over slots: the signal to scale by',
    metrics.queueLoad,
    NAMED,
  ),
  queueDepthPerWorker: gaugeChart(
    'queue-depth-per-worker',
    'Waiting for each worker',
    'depth over workers up',
    recorded.queueDepthPerWorker,
    NAMED,
  ),
} as const
