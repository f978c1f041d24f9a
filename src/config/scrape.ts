import { CeleriacError, didYouMean, Secret } from '../base/index.ts'
import type { ScrapeOptions } from '../host/index.ts'
import { DEFAULTS, type ScrapeEntry } from './schema.ts'

/** Targets as they will be scraped. Throws CONFIG_INVALID: a broker nobody named, a name twice, two ways to authorize. */
export function scrapeConfigs(
  entries: readonly ScrapeEntry[],
  brokers: readonly string[],
): readonly ScrapeOptions[] {
  const targets = entries.map((entry, i): ScrapeOptions => {
    const at = `scrape[${i}]`
    if (entry.broker !== undefined && !brokers.includes(entry.broker))
      throw new CeleriacError(
        'CONFIG_INVALID',
        `${at}.broker: no broker is named ${JSON.stringify(entry.broker)}${didYouMean(entry.broker, brokers)}.`,
      )
    const headers = Object.entries(entry.headers ?? {})
    if (entry.bearerTokenFile !== undefined && headers.some(([name]) => /^authorization$/i.test(name)))
      throw new CeleriacError(
        'CONFIG_INVALID',
        `${at}: expected at most one of bearerTokenFile and the header Authorization.`,
      )
    const { host, pathname } = new URL(entry.url)
    const intervalMs = entry.interval ?? DEFAULTS.scrapeInterval
    return {
      name: entry.name ?? `${host}${pathname}`,
      url: new Secret(entry.url),
      broker: entry.broker,
      intervalMs,
      timeoutMs: entry.timeout ?? Math.min(intervalMs, DEFAULTS.scrapeTimeout),
      match: entry.match ?? {},
      bearerTokenFile: entry.bearerTokenFile,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, new Secret(value)])),
      tls: entry.tls,
    }
  })
  const twice = targets.find(({ name }, i) => targets.findIndex(other => other.name === name) !== i)
  if (twice !== undefined)
    throw new CeleriacError(
      'CONFIG_INVALID',
      `Two scrape targets are called ${JSON.stringify(twice.name)}.`,
      {
        hint: 'Give each a name of its own.',
      },
    )
  return targets
}
