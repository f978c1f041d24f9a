import type { HostReading, WorkerClaim } from './contract.ts'
import type { ContainerUsage } from './containers.ts'
import { hostPart } from './identity.ts'

/** The host of a node name in lower case, and its first label. */
function hostsOf(worker: string): ReadonlySet<string> {
  const host = hostPart(worker).toLowerCase()
  return new Set([host, host.split('.')[0] ?? ''])
}

/**
 * Readings of the claims whose host a container is: named by the sample itself, or by the host part of the node name. Two pods of one
 * host name (in two namespaces, say) are none. Of a pod with several containers each is told, without a worker, because which of
 * them it runs in is not known. Memory is a worker's own only where it is alone in its container.
 */
export function joinContainers(
  claims: readonly WorkerClaim[],
  containers: readonly ContainerUsage[],
): readonly HostReading[] {
  const byHost = new Map<string, ContainerUsage[]>()
  const byWorker = new Map<string, ContainerUsage[]>()
  for (const container of containers) {
    if (container.worker !== '') push(byWorker, container.worker, container)
    else
      for (const host of new Set(container.hosts.map(each => each.toLowerCase())))
        push(byHost, host, container)
  }
  const joined = claims.flatMap(claim => {
    const named = byWorker.get(claim.worker)
    const found = named ?? [...hostsOf(claim.worker)].flatMap(host => byHost.get(host) ?? [])
    const groups = new Set(found.map(({ group }) => group))
    return groups.size === 1 ? found.map(container => ({ claim, container, alone: found.length === 1 })) : []
  })
  const tenants = new Map<ContainerUsage, Set<string>>()
  for (const { claim, container } of joined) {
    const workers = tenants.get(container) ?? new Set()
    tenants.set(container, workers.add(claim.worker))
  }
  const readings = new Map<string, HostReading>()
  for (const { claim, container, alone } of joined) {
    const worker = alone || container.worker !== '' ? claim.worker : ''
    const own = worker !== '' && tenants.get(container)?.size === 1
    readings.set(`${claim.broker}\0${container.label}\0${worker}`, {
      broker: claim.broker,
      container: container.label,
      worker,
      cpuPercent: container.cpuPercent,
      memoryPercent: container.memoryPercent,
      memoryBytes: own ? container.memoryBytes : null,
      memoryLimitBytes: worker === '' ? null : container.memoryLimitBytes,
    })
  }
  return [...readings.values()]
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
