import { CeleriacError, didYouMean } from '../base/index.ts'
import type { NameOptions } from '../celery/index.ts'

/** What of a fleet's settings moves names in the broker. The database number comes from the URL. */
export type TransportOptions = Omit<NameOptions, 'database'>

/** Options of kombu and redis-py that do not change what a monitor must do: taken, so that a fleet's settings can be pasted. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'ack_emulation',
  'client_name',
  'health_check_interval',
  'max_connections',
  'queue_order_strategy',
  'retry_on_timeout',
  'socket_connect_timeout',
  'socket_keepalive',
  'socket_keepalive_options',
  'socket_timeout',
  'unacked_key',
  'unacked_index_key',
  'unacked_mutex_expire',
  'unacked_mutex_key',
  'unacked_restore_limit',
  'visibility_timeout',
])

type Mutable = { -readonly [K in keyof TransportOptions]: TransportOptions[K] }

/** One row an option: its name in Celery's settings, and how its value is read. `undefined` from a reader means a wrong value. */
const READERS: Readonly<
  Record<string, { readonly expected: string; readonly read: (value: unknown, into: Mutable) => boolean }>
> = {
  global_keyprefix: {
    expected: 'a text',
    read: (value, into) => setText(value, text => (into.globalKeyprefix = text)),
  },
  sep: {
    expected: 'a text that is not empty',
    read: (value, into) => value !== '' && setText(value, text => (into.sep = text)),
  },
  event_exchange: {
    expected: 'the name of an exchange',
    read: (value, into) => value !== '' && setText(value, text => (into.eventExchange = text)),
  },
  control_exchange: {
    expected: 'the name of an exchange',
    read: (value, into) => value !== '' && setText(value, text => (into.controlExchange = text)),
  },
  fanout_prefix: {
    expected: 'true, false, or a text such as "/{db}."',
    read(value, into) {
      const flag = asFlag(value)
      if (flag === undefined && typeof value !== 'string') return false
      into.fanoutPrefix = flag ?? String(value)
      return true
    },
  },
  fanout_patterns: {
    expected: 'true or false',
    read(value, into) {
      const flag = asFlag(value)
      if (flag === undefined) return false
      into.fanoutPatterns = flag
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
}

/**
 * Celery's `broker_transport_options` (and `event_exchange`, `control_exchange`) by their own names; values as in a settings file
 * or as text from a flag. Throws CONFIG_INVALID that names the option.
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
        {
          hint: ['master_name', 'sentinel_kwargs', 'min_other_sentinels'].includes(name)
            ? 'Redis Sentinel is not supported yet; give the URL of the Redis server itself.'
            : `Known: ${Object.keys(READERS).join(', ')}.`,
        },
      )
    }
  }
  return result
}

function setText(value: unknown, set: (text: string) => void): boolean {
  if (typeof value !== 'string') return false
  set(value)
  return true
}

function asFlag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'True') return true
  if (value === 'false' || value === 'False') return false
  return undefined
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
