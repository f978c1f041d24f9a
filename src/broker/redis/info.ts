import type { ServerReading } from '../broker.ts'

/** Redis' INFO text as fields; lines that are no field are passed over. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}

/** What INFO says; a field that is missing or no whole number is null. `maxclients` is in INFO since Redis 7. */
export function serverReading(fields: ReadonlyMap<string, string>, roundTripSeconds: number): ServerReading {
  const count = (name: string): number | null => {
    const text = fields.get(name)
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
  }
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
    unacked: null,
    unackedOldestAgeSeconds: null,
    unackedOverdue: null,
    redeliveryTimeoutSeconds: null,
    alarms: null,
  }
}
