/** Names one alert instance for good: its rule and its labels in order, as PromQL writes a series. */
export function alertKey(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .filter(([label]) => label !== 'alertname')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return pairs.length === 0
    ? name
    : `${name}{${pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`
}

/** The address of the Overview with an alert open, relative to where Celeriac is reached. */
export const alertLink = (name: string, labels: Readonly<Record<string, string>>): string =>
  `?alert=${encodeURIComponent(alertKey(name, labels))}`
