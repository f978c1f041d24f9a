import type { Check, ExpectedDashboard, FoundDashboard } from './contract.ts'

/** Which of our dashboards a Grafana has. */
export const checkDashboards = (
  expected: readonly ExpectedDashboard[],
  found: readonly FoundDashboard[],
): readonly Check[] =>
  expected.map(({ uid, title }) => {
    const base = { area: 'dashboards', name: uid } as const
    const own = found.find(other => other.uid === uid)
    if (own !== undefined) {
      const where = own.folder === '' ? '' : ` in folder ${own.folder}`
      return own.title === title
        ? { ...base, level: 'ok', title: `Dashboard ${title} is there${where}.`, fix: null }
        : {
            ...base,
            level: 'info',
            title: `Dashboard ${title} is there under the title ${own.title}${where}.`,
            fix: null,
          }
    }
    const copy = found.find(other => other.title === title)
    return copy === undefined
      ? {
          ...base,
          level: 'missing',
          title: `Dashboard ${title} is not there.`,
          fix: `celeriac emit grafana has ${uid}.json: provision it, import it, or label its ConfigMap grafana_dashboard: "1".`,
        }
      : {
          ...base,
          level: 'wrong',
          title: `A copy of ${title} is there under uid ${copy.uid}: links to ${uid} do not find it, and it is not renewed.`,
          fix: `Delete the copy, and provision ${uid}.json.`,
        }
  })
