/** Where a configuration makes the program connect to. */
import { CeleriacError, Secret } from '../base/index.ts'
import { type BrokerTarget, parseBrokerUrl } from '../broker/index.ts'
import type { Config } from './load.ts'

/** Redis servers that Sentinels name; Sentinel itself tells which port, later. */
const REDIS_PORT = 6379

/**
 * The TCP ports of everything a configuration connects to, ascending: brokers, management APIs, receivers, scrape targets. Ports are
 * no secret; nothing else of a URL is told. A URL that starting would refuse has none.
 */
export function egressPorts(config: Config): readonly number[] {
  const ports = new Set<number>()
  for (const { url, tls, managementUrl } of config.brokers) {
    for (const port of brokerPorts(url.reveal(), tls !== undefined)) ports.add(port)
    if (managementUrl !== undefined) ports.add(httpPort(managementUrl))
  }
  for (const { slack, webhook, sns } of config.receivers) {
    if (slack !== undefined) ports.add(httpPort(slack.webhookUrl))
    if (webhook !== undefined) ports.add(httpPort(webhook.url))
    if (sns !== undefined) ports.add(httpPort(new Secret(sns.endpointUrl ?? 'https://aws')))
  }
  for (const { url } of config.scrape) ports.add(httpPort(url))
  if (config.cloudwatch !== undefined)
    ports.add(httpPort(new Secret(config.cloudwatch.endpointUrl ?? 'https://aws')))
  if (config.brokers.length === 0) ports.add(REDIS_PORT)
  return [...ports].sort((a, b) => a - b)
}

function brokerPorts(url: string, encrypted: boolean): readonly number[] {
  let target: BrokerTarget
  try {
    target = parseBrokerUrl(url, encrypted)
  } catch (error) {
    if (error instanceof CeleriacError) return []
    throw error
  }
  if (target.transport === 'amqp') return [target.port]
  if (target.transport !== 'redis') return []
  if (target.at.kind === 'tcp') return [target.at.port]
  if (target.at.kind === 'socket') return []
  return [...target.at.sentinels.map(({ port }) => port), REDIS_PORT]
}

function httpPort(url: Secret): number {
  const { port, protocol } = new URL(url.reveal())
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}
