import type { ServerReading } from '../broker.ts'
import type { ServerMark } from './gap.ts'

/** Redis' INFO text as fields; lines that are no field are passed over. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}

type InfoReading = Omit<
  ServerReading,
  'unacked' | 'unackedOldestAgeSeconds' | 'unackedOverdue' | 'redeliveryTimeoutSeconds'
>

/** A whole number of INFO; null when the field is missing (an old server, or a forbidden INFO) or no number. */
export function infoCount(fields: ReadonlyMap<string, string>, name: string): number | null {
  const text = fields.get(name)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** What INFO says; a field that is missing or no whole number is null. `maxclients` is in INFO since Redis 7. */
export function infoReading(fields: ReadonlyMap<string, string>, roundTripSeconds: number): InfoReading {
  const count = (name: string): number | null => infoCount(fields, name)
  return {
    version: fields.get('valkey_version') ?? fields.get('redis_version') ?? null,
    memoryUsedBytes: count('used_memory'),
    memoryMaxBytes: count('maxmemory'),
    connectedClients: count('connected_clients'),
    maxClients: count('maxclients'),
    evictedKeysTotal: count('evicted_keys'),
    maxmemoryPolicy: fields.get('maxmemory_policy') ?? null,
    roundTripSeconds,
    blockedConsumers: count('blocked_clients'),
    alarms: alarmsOf(fields),
  }
}

/**
 * What keeps the server from taking messages, as far as INFO tells: `loading` its data; `readonly`, a replica; `memory`, full and
 * not allowed to evict; `disk`, the append-only file cannot be written, or the last snapshot failed and `stopsOnSnapshotError`;
 * `clients`, no further connection fits. Null when INFO says nothing of it.
 */
function alarmsOf(fields: ReadonlyMap<string, string>): readonly string[] | null {
  if (!fields.has('loading') && !fields.has('role') && !fields.has('used_memory')) return null
  const alarms: string[] = []
  if (fields.get('loading') === '1') alarms.push('loading')
  if (fields.get('role') === 'slave' && fields.get('slave_read_only') !== '0') alarms.push('readonly')
  if (isFull(fields)) alarms.push('memory')
  if (fields.get('aof_last_write_status') === 'err') alarms.push('disk')
  const clients = infoCount(fields, 'connected_clients')
  const maxClients = infoCount(fields, 'maxclients')
  if (clients !== null && maxClients !== null && maxClients > 0 && clients >= maxClients)
    alarms.push('clients')
  return alarms
}

/** Redis refuses writes at this point (`src/evict.c`, `getMaxmemoryState`): buffers of replicas and of the append-only file do not count. */
function isFull(fields: ReadonlyMap<string, string>): boolean {
  const used = infoCount(fields, 'used_memory')
  const max = infoCount(fields, 'maxmemory')
  if (used === null || max === null || max === 0 || fields.get('maxmemory_policy') !== 'noeviction')
    return false
  return used - (infoCount(fields, 'mem_not_counted_for_evict') ?? 0) > max
}

/** True when the last snapshot failed; whether that stops writes is in the configuration. */
export const snapshotFailed = (fields: ReadonlyMap<string, string>): boolean =>
  fields.get('rdb_last_bgsave_status') === 'err'

/** Which run of which server INFO is of; see `gapOf`. */
export const serverMark = (fields: ReadonlyMap<string, string>): ServerMark => ({
  runId: fields.get('run_id') ?? null,
  cutOffs: infoCount(fields, 'client_output_buffer_limit_disconnections'),
})
