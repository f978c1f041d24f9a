import type { Check, ObservedScrapes, ScrapeTarget } from './contract.ts'

/** Whether a Prometheus scrapes Celeriac, whether it succeeds, and whether its rules on Celeriac itself look at that job. */
export function checkScrapes(
  { active, dropped, builds, renamedLabels }: ObservedScrapes,
  job: string,
): readonly Check[] {
  const ours = active.filter(
    target => target.labels['job'] === job || builds.some(build => sameTarget(build, target)),
  )
  const checks: Check[] = ours.flatMap(target => targetChecks(target, job, builds))
  if (ours.length === 0) checks.push(missing(dropped, job))
  const up = ours.filter(({ health }) => health === 'up')
  if (up.length > 1)
    checks.push(
      check(
        'info',
        job,
        `${up.length} targets are Celeriac: ${up.map(({ url }) => url).join(', ')}.`,
        'Two Celeriacs may watch one broker; the alerts count them once. One Celeriac that is scraped twice is one too many.',
      ),
    )
  if (renamedLabels.length > 0)
    checks.push(
      check(
        'wrong',
        job,
        `Labels of Celeriac are renamed when they are scraped: ${renamedLabels.join(', ')}. Alerts on containers name the wrong one.`,
        'Set honor_labels: true (honorLabels of a ServiceMonitor).',
      ),
    )
  return checks
}

const check = (level: Check['level'], name: string, title: string, fix: string | null): Check => ({
  area: 'scrapes',
  name,
  level,
  title,
  fix,
})

const sameTarget = (build: Readonly<Record<string, string>>, { labels }: ScrapeTarget): boolean =>
  build['job'] === labels['job'] && build['instance'] === labels['instance']

function targetChecks(
  target: ScrapeTarget,
  job: string,
  builds: ObservedScrapes['builds'],
): readonly Check[] {
  const { labels, url, health, lastError } = target
  const name = labels['instance'] ?? url
  if (health === 'down')
    return [
      check(
        'wrong',
        name,
        `Celeriac at ${url} is a target and cannot be scraped: ${lastError}`,
        'Is the process up, and does it listen where Prometheus can reach it (--listen, NetworkPolicy, port 9808)?',
      ),
    ]
  if (health === 'unknown')
    return [check('info', name, `Celeriac at ${url} is a target and was not scraped yet.`, null)]
  const found: Check[] = []
  if (!builds.some(build => sameTarget(build, target)))
    found.push(
      check(
        'wrong',
        name,
        `What is scraped at ${url} as job ${job} is not Celeriac: it has no celeriac_build_info.`,
        'Check the address and the path (/metrics).',
      ),
    )
  else if (labels['job'] !== job)
    found.push(
      check(
        'wrong',
        name,
        `Celeriac at ${url} is scraped as job ${labels['job']}; the alert CeleriacDown looks for job ${job}.`,
        `Name the job ${job} (jobLabel of a ServiceMonitor, job_name of a scrape configuration).`,
      ),
    )
  else found.push(check('ok', name, `Celeriac at ${url} is scraped.`, null))
  return found
}

function missing(dropped: ObservedScrapes['dropped'], job: string): Check {
  const near = dropped.find(labels => Object.values(labels).some(value => value.includes(job)))
  return near === undefined
    ? check(
        'missing',
        job,
        'No target of this Prometheus is Celeriac.',
        'Add the job: celeriac emit prometheus has it in prometheus.yml; for the operator, celeriac emit operator has Service and ServiceMonitor.',
      )
    : check(
        'missing',
        job,
        `Celeriac was discovered (${near['__address__'] ?? job}) and dropped by relabelling.`,
        'Compare the selector of the ServiceMonitor with the labels of the Service, and the name of its port.',
      )
}

/** Whether a Prometheus has an Alertmanager to tell. */
export function checkAlertmanagers(active: readonly string[], droppedCount: number): readonly Check[] {
  const level = active.length === 0 ? 'wrong' : 'ok'
  return [
    {
      area: 'alertmanagers',
      name: 'alertmanagers',
      level,
      title:
        active.length === 0
          ? `This Prometheus tells no Alertmanager${droppedCount > 0 ? `; ${droppedCount} were found and dropped by relabelling` : ''}: its alerts reach nobody.`
          : `This Prometheus tells ${active.join(', ')}.`,
      fix:
        active.length === 0
          ? 'Add alerting: alertmanagers: to its configuration, or set alerting of the Prometheus resource.'
          : null,
    },
  ]
}
