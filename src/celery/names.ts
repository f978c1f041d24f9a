/** What moves the names of keys and channels; kombu's and Celery's own option names in camelCase (celery-wire.md section 2). */
export interface NameOptions {
  /** Number in the broker URL; it is text in channel names. Default 0. */
  readonly database?: number
  /** `broker_transport_options.global_keyprefix`. Default ''. */
  readonly globalKeyprefix?: string
  /** `fanout_prefix`: true `/{db}.`, false none, or a text in which `{db}` is replaced. Default true. */
  readonly fanoutPrefix?: boolean | string
  /**
   * Whether the fleet finds its server through sentinels: kombu before 5.4 then left `{db}` in the names of channels as it is, so
   * that both kinds are heard and spoken to (kombu `transport/redis.py`, `sentinel_fanout_compat`). Default false.
   */
  readonly literalDatabaseToo?: boolean
  /** `fanout_patterns`: whether channels carry the routing key. Default true. */
  readonly fanoutPatterns?: boolean
  /** `sep`. Default `\x06\x16`. */
  readonly sep?: string
  /** `priority_steps`, ascending. Default [0, 3, 6, 9]. */
  readonly prioritySteps?: readonly number[]
  /** Celery's `event_exchange`. Default `celeryev`. */
  readonly eventExchange?: string
  /** Celery's `control_exchange`. Default `celery`. */
  readonly controlExchange?: string
  /** Celery's `event_queue_prefix`. Default `celeryev`. */
  readonly eventQueuePrefix?: string
  /** Celery's `task_default_queue`; its default exchange has the same name. Default `celery`. */
  readonly taskDefaultQueue?: string
  /** `unacked_key`, `unacked_index_key`, `unacked_mutex_key`. Defaults `unacked`, `unacked_index`, `unacked_mutex`. */
  readonly unackedKey?: string
  readonly unackedIndexKey?: string
  readonly unackedMutexKey?: string
}

/** Of which conversation a key is; `own`: replies to Celeriac. */
export type ControlKeyKind = 'event' | 'control' | 'reply' | 'own'

/** What the reply lists of Celeriac end with. */
const OWN_REPLIES = '.reply.celeriac'

const DEFAULT_SEP = '\u0006\u0016'
const DEFAULT_PRIORITY_STEPS: readonly number[] = [0, 3, 6, 9]

/** One row of a binding table. */
export interface Binding {
  readonly routingKey: string
  readonly pattern: string
  readonly queue: string
}

/** What one fleet calls its exchanges and queues, by any transport. */
export interface ExchangeNames {
  readonly eventExchange: string
  /** What the queues of event receivers begin with: `celeryev.`. */
  readonly eventQueues: string
  /** The exchange of tasks that name no other, and its default queue. */
  readonly defaultQueue: string
  /** `celery.pidbox`. */
  readonly controlExchange: string
  /** `reply.celery.pidbox`. */
  readonly replyExchange: string
}

/** What moves `ExchangeNames`. */
export type ExchangeOptions = Pick<
  NameOptions,
  'eventExchange' | 'eventQueuePrefix' | 'controlExchange' | 'taskDefaultQueue'
>

/** These settings applied (kombu `pidbox.py`, `exchange_fmt`). */
export function exchangeNames(options: ExchangeOptions = {}): ExchangeNames {
  const controlExchange = `${options.controlExchange ?? 'celery'}.pidbox`
  return {
    eventExchange: options.eventExchange ?? 'celeryev',
    eventQueues: `${options.eventQueuePrefix ?? 'celeryev'}.`,
    defaultQueue: options.taskDefaultQueue ?? 'celery',
    controlExchange,
    replyExchange: `reply.${controlExchange}`,
  }
}

/** Every key and channel name of one fleet on Redis. */
export interface RedisNames extends ExchangeNames {
  /** For PSUBSCRIBE: match every event's channel and nothing else. */
  readonly eventPatterns: readonly string[]
  /** Where an event of this routing key is published. */
  eventChannel(routingKey: string): string
  /** What `eventPatterns` match, decided here. */
  isEventChannel(channel: string): boolean
  readonly controlChannel: string
  /** That, and where older workers of such a fleet listen. */
  readonly controlChannels: readonly string[]
  /** The list that holds a queue's messages of one priority. */
  queueList(queue: string, priority?: number): string
  /** All lists of a queue, most urgent first. Its depth is the sum of their lengths. */
  queueLists(queue: string): readonly string[]
  /** The set that binds queues to an exchange. */
  bindingKey(exchange: string): string
  /** What `bindingKey` begins with, for every exchange. */
  readonly bindingPrefix: string
  bindingMember(binding: Binding): string
  /** Undefined when a member is not a binding. */
  parseBinding(member: string): Binding | undefined
  /** The list behind a queue name with its prefix: what a worker pushes to that answers `routingKey` on the default exchange. */
  replyList(routingKey: string): string
  /** The routing key of the replies to one process of ours. */
  ownReplyKey(id: string): string
  /** Hash of the messages that are delivered and not acknowledged, and the sorted set of their delivery times (epoch seconds). */
  readonly unacked: string
  readonly unackedIndex: string
  /** The lock of whoever gives old ones to somebody else. */
  readonly unackedMutex: string
  /** What every key begins with; '' for none. */
  readonly prefix: string
  /** Undefined for a key of no such conversation: a task queue, a binding table, anybody else's. */
  controlKey(key: string): { readonly kind: ControlKeyKind; readonly queue: string } | undefined
}

/**
 * The step a priority is rounded down to; below the first step kombu wraps to the last one, as Python's index -1 does. Missing
 * or odd priorities are 0 (kombu `transport/redis.py`, `priority`).
 */
export function priorityStep(priority: number, steps: readonly number[] = DEFAULT_PRIORITY_STEPS): number {
  const wanted = Number.isFinite(priority) ? priority : 0
  let found = steps[steps.length - 1] ?? 0
  for (const step of steps) {
    if (step > wanted) break
    found = step
  }
  return found
}

/** All names under the options given; pure text, nothing is looked up (kombu `transport/redis.py`, `pidbox.py`). */
export function redisNames(options: NameOptions = {}): RedisNames {
  const prefix = options.globalKeyprefix ?? ''
  const fanout = fanoutPrefix(options.fanoutPrefix ?? true, String(options.database ?? 0))
  const fanouts = new Set([fanout])
  if (options.literalDatabaseToo === true) fanouts.add(fanoutPrefix(options.fanoutPrefix ?? true, '{db}'))
  const patterns = options.fanoutPatterns ?? true
  const sep = options.sep ?? DEFAULT_SEP
  const steps = options.prioritySteps ?? DEFAULT_PRIORITY_STEPS
  const exchanges = exchangeNames(options)
  const { eventExchange, eventQueues, controlExchange, replyExchange } = exchanges
  const eventTopics = [...fanouts].map(one => `${prefix}${one}${eventExchange}`)
  const [eventTopic = ''] = eventTopics
  const listOf = (queue: string, step: number): string =>
    step === 0 ? `${prefix}${queue}` : `${prefix}${queue}${sep}${step}`
  const bindingPrefix = `${prefix}_kombu.binding.`
  return {
    ...exchanges,
    eventPatterns: eventTopics.map(topic => (patterns ? `${escapeGlob(topic)}/*` : escapeGlob(topic))),
    eventChannel: routingKey => (patterns && routingKey !== '' ? `${eventTopic}/${routingKey}` : eventTopic),
    isEventChannel: channel =>
      eventTopics.some(topic => (patterns ? channel.startsWith(`${topic}/`) : channel === topic)),
    controlChannel: `${prefix}${fanout}${controlExchange}`,
    controlChannels: [...fanouts].map(one => `${prefix}${one}${controlExchange}`),
    queueList: (queue, priority = 0) => listOf(queue, priorityStep(priority, steps)),
    queueLists: queue => steps.map(step => listOf(queue, step)),
    bindingKey: exchange => bindingPrefix + exchange,
    bindingPrefix,
    bindingMember: binding => [binding.routingKey, binding.pattern, binding.queue].join(sep),
    parseBinding(member) {
      const [routingKey, pattern, queue, ...rest] = member.split(sep)
      if (routingKey === undefined || pattern === undefined || !queue || rest.length > 0) return undefined
      return { routingKey, pattern, queue }
    },
    replyList: routingKey => prefix + routingKey,
    ownReplyKey: id => id + OWN_REPLIES,
    unacked: prefix + (options.unackedKey ?? 'unacked'),
    unackedIndex: prefix + (options.unackedIndexKey ?? 'unacked_index'),
    unackedMutex: prefix + (options.unackedMutexKey ?? 'unacked_mutex'),
    prefix,
    controlKey(key) {
      if (!key.startsWith(prefix) || key.startsWith(`${prefix}_kombu.`)) return undefined
      const list = key.slice(prefix.length)
      const step = list.lastIndexOf(sep)
      const queue = step > 0 && /^\d+$/.test(list.slice(step + sep.length)) ? list.slice(0, step) : list
      if (queue.endsWith(OWN_REPLIES)) return { kind: 'own', queue }
      if (queue.endsWith(`.${replyExchange}`)) return { kind: 'reply', queue }
      if (queue.endsWith(`.${controlExchange}`)) return { kind: 'control', queue }
      return queue.startsWith(eventQueues) ? { kind: 'event', queue } : undefined
    },
  }
}

function fanoutPrefix(option: boolean | string, database: string): string {
  if (option === false || option === '') return ''
  return (option === true ? '/{db}.' : option).replaceAll('{db}', database)
}

/** Redis' glob characters taken literally. */
export const escapeGlob = (text: string): string => text.replace(/[\\*?[\]^]/g, '\\$&')
