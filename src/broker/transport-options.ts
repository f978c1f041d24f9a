import { CeleriacError, didYouMean } from '../base/index.ts'
import type { NameOptions } from '../celery/index.ts'
import { NO_SENTINEL_LOGIN, parseSentinelKwargs, type SentinelLogin } from './sentinel-kwargs.ts'

/** What of a fleet's settings a monitor must know. The database number comes from the URL. */
export interface TransportOptions extends Omit<NameOptions, 'database' | 'literalDatabaseToo'> {
  /** `visibility_timeout`: after this long kombu gives a message to somebody else. Default 3600. */
  readonly visibilityTimeoutSeconds?: number
  /** `ack_emulation`: false means that workers keep nowhere what they have taken and not finished. Default true. */
  readonly ackEmulation?: boolean
  /** What sentinels are asked, and how. */
  readonly sentinel?: SentinelLogin & {
    /** `master_name`: the group of servers. Required where sentinels are asked. */
    readonly masterName: string | undefined
    /** `min_other_sentinels`: the answer of one that sees fewer does not count. */
    readonly minOtherSentinels: number
  }
}

/** The same, complete. */
export type SentinelOptions = NonNullable<TransportOptions['sentinel']> & { readonly masterName: string }

const NO_SENTINEL = { masterName: undefined, minOtherSentinels: 0, ...NO_SENTINEL_LOGIN }

/** Options of kombu, redis-py, py-amqp and Celery that do not change what a monitor must do: taken, so that a fleet's settings can be pasted. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'body_encoding',
  'client_name',
  'client_properties',
  'confirm_publish',
  'connect_retries_timeout',
  'connect_timeout',
  'deadletter_queue',
  'health_check_interval',
  'heartbeat',
  'interval_max',
  'interval_start',
  'interval_step',
  'login_method',
  'max_connections',
  'max_retries',
  'polling_interval',
  'queue_order_strategy',
  'read_timeout',
  'reauth_check_interval',
  'retry_on_timeout',
  // Both kinds of channel are always heard.
  'sentinel_fanout_compat',
  'socket_connect_timeout',
  'socket_keepalive',
  'socket_keepalive_options',
  'socket_read_size',
  'socket_timeout',
  'unacked_mutex_expire',
  'unacked_restore_interval',
  'unacked_restore_limit',
  'unacked_restore_throttle',
  'write_timeout',
])

type Mutable = { -readonly [K in keyof TransportOptions]: TransportOptions[K] }
type TextOption = {
  [K in keyof Mutable]-?: NonNullable<Mutable[K]> extends string ? K : never
}[keyof Mutable]
type FlagOption = Exclude<
  { [K in keyof Mutable]-?: true extends NonNullable<Mutable[K]> ? K : never }[keyof Mutable],
  'fanoutPrefix'
>

/** How the value of one option is read; false means a wrong value. */
interface Reader {
  readonly expected: string
  readonly read: (value: unknown, into: Mutable) => boolean
}

const text = (option: TextOption, expected: string, mayBeEmpty = false): Reader => ({
  expected,
  read(value, into) {
    if (typeof value !== 'string' || (value === '' && !mayBeEmpty)) return false
    into[option] = value
    return true
  },
})

const flag = (option: FlagOption): Reader => ({
  expected: 'true or false',
  read(value, into) {
    const read = asFlag(value)
    if (read === undefined) return false
    into[option] = read
    return true
  },
})

/** One row an option, by its name in Celery's settings. */
const READERS: Readonly<Record<string, Reader>> = {
  global_keyprefix: text('globalKeyprefix', 'a text', true),
  sep: text('sep', 'a text that is not empty'),
  event_exchange: text('eventExchange', 'the name of an exchange'),
  event_queue_prefix: text('eventQueuePrefix', 'what the names of event queues begin with'),
  control_exchange: text('controlExchange', 'the name of an exchange'),
  task_default_queue: text('taskDefaultQueue', 'the name of a queue'),
  unacked_key: text('unackedKey', 'the name of a key'),
  unacked_index_key: text('unackedIndexKey', 'the name of a key'),
  unacked_mutex_key: text('unackedMutexKey', 'the name of a key'),
  ack_emulation: flag('ackEmulation'),
  fanout_patterns: flag('fanoutPatterns'),
  fanout_prefix: {
    expected: 'true, false, or a text such as "/{db}."',
    read(value, into) {
      const read = asFlag(value)
      if (read === undefined && typeof value !== 'string') return false
      into.fanoutPrefix = read ?? String(value)
      return true
    },
  },
  priority_steps: {
    expected: 'ascending whole numbers such as [0, 3, 6, 9]',
    read(value, into) {
      const steps = asSteps(value)
      if (steps === undefined) return false
      into.prioritySteps = steps
      return true
    },
  },
  master_name: {
    expected: 'the name of a group of servers',
    read(value, into) {
      if (typeof value !== 'string' || value === '') return false
      into.sentinel = { ...NO_SENTINEL, ...into.sentinel, masterName: value }
      return true
    },
  },
  min_other_sentinels: {
    expected: 'a whole number',
    read(value, into) {
      const count = asNumber(value)
      if (count === undefined || count < 0 || !Number.isInteger(count)) return false
      into.sentinel = { ...NO_SENTINEL, ...into.sentinel, minOtherSentinels: count }
      return true
    },
  },
  sentinel_kwargs: {
    expected: 'an object such as {"password": "..."}',
    read(value, into) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
      into.sentinel = {
        ...NO_SENTINEL,
        ...into.sentinel,
        ...parseSentinelKwargs(value as Readonly<Record<string, unknown>>),
      }
      return true
    },
  },
  visibility_timeout: {
    expected: 'a number of seconds above 0',
    read(value, into) {
      const seconds = asNumber(value)
      if (seconds === undefined || seconds <= 0) return false
      into.visibilityTimeoutSeconds = seconds
      return true
    },
  },
}

/**
 * Celery's `broker_transport_options` (and the settings `event_exchange`, `event_queue_prefix`, `control_exchange` and
 * `task_default_queue`) by their own names; values as in a settings file or as text from a flag. On RabbitMQ only these
 * settings move anything. Throws CONFIG_INVALID that names the option.
 */
export function parseTransportOptions(options: Readonly<Record<string, unknown>>): TransportOptions {
  const result: Mutable = {}
  for (const [name, value] of Object.entries(options)) {
    const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined
    if (reader !== undefined) {
      if (!reader.read(value, result))
        throw new CeleriacError(
          'CONFIG_INVALID',
          `The broker transport option "${name}" must be ${reader.expected}.`,
        )
    } else if (!WITHOUT_EFFECT.has(name)) {
      const known = [...Object.keys(READERS), ...WITHOUT_EFFECT]
      const meant = didYouMean(name, known) || '.'
      throw new CeleriacError(
        'CONFIG_INVALID',
        `The broker transport option "${name}" is not known${meant}`,
        { hint: `Known: ${Object.keys(READERS).join(', ')}.` },
      )
    }
  }
  return result
}

function asFlag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'True') return true
  if (value === 'false' || value === 'False') return false
  return undefined
}

/** A finite number, or text that is one. */
function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

function asSteps(value: unknown): readonly number[] | undefined {
  const list: readonly unknown[] | undefined = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value
          .replace(/^\[|\]$/g, '')
          .split(',')
          .map(part => (part.trim() === '' ? NaN : Number(part)))
      : undefined
  if (list === undefined || list.length === 0) return undefined
  const steps: number[] = []
  for (const step of list) {
    if (typeof step !== 'number' || !Number.isInteger(step) || step < 0 || step <= (steps.at(-1) ?? -1))
      return undefined
    steps.push(step)
  }
  return steps
}
