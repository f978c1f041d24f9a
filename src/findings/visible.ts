import { wordDuration, wordNumber } from '../base/index.ts'
import { counted, type Found, listed, type Rule } from './facts.ts'

/** What can be seen: the good news of a check. */
export const visibleRules: Rule = ({ connection, connectedMs, fleet, nowMs, present, seen }) => {
  const server = fleet.server(nowMs)
  const version = server?.version ?? connection.serverVersion
  const found: Found[] = [
    {
      code: 'connected',
      level: 'ok',
      source: 'broker',
      title: `Connected to ${connection.transport}${version === null ? '' : ` ${version}`}${server === null ? '' : `, which answers in ${Number((server.roundTripSeconds * 1000).toPrecision(2))} ms`}.`,
    },
  ]
  const queues = fleet.queues(nowMs).filter(({ depth }) => depth !== null)
  if (queues.length > 0)
    found.push({
      code: 'queues-visible',
      level: 'ok',
      source: 'broker',
      title: `${counted(queues.length, 'queue')}: ${listed(
        [...queues]
          .sort((a, b) => (b.depth ?? 0) - (a.depth ?? 0))
          .map(({ queue, depth }) => `${queue} ${wordNumber(depth ?? 0)}`),
        8,
      )}.`,
    })
  if (present.length > 0)
    found.push({
      code: 'workers-visible',
      level: 'ok',
      source: 'inspect',
      title: `${counted(present.length, 'worker')}: ${listed(
        present.map(({ worker, pool, concurrency, version: celery }) => {
          const known = [
            celery === null ? [] : [`Celery ${celery}`],
            pool === null ? [] : [pool],
            concurrency === null ? [] : [counted(concurrency, 'slot')],
          ].flat()
          return `${worker}${known.length === 0 ? '' : ` (${known.join(', ')})`}`
        }),
      )}.`,
    })
  if (seen.events > 0)
    found.push({
      code: 'events-visible',
      level: 'ok',
      source: 'events',
      title: `${counted(seen.events, 'event')} in ${wordDuration(connectedMs)}, ${wordNumber(seen.taskEvents)} of them of tasks.`,
    })
  return found
}
