import type { Finding, FindingLevel } from './contract.ts'
import { controlRules } from './control.ts'
import { eventRules } from './events.ts'
import { type Facts, finish, type Found, sceneOf } from './facts.ts'
import { queueRules } from './queues.ts'
import { serverRules } from './server.ts'
import { visibleRules } from './visible.ts'
import { workerRules } from './workers.ts'

const RANK: Readonly<Record<FindingLevel, number>> = { wrong: 0, missing: 1, info: 2, ok: 3 }

/**
 * What can be said of one broker's fleet now, worst first: what is wrong, what is missing, what it costs, and the setting or
 * command that mends it. While the broker is not connected only that is said, since everything else would be old.
 */
export function findFindings(facts: Facts): readonly Finding[] {
  const { connection, fleet } = facts
  const rules =
    connection.state === 'connected'
      ? [workerRules, queueRules, serverRules, eventRules, controlRules, visibleRules]
      : [unreachable]
  const scene = sceneOf(facts)
  return rules
    .flatMap(rule => rule(scene))
    .map(found => finish(found, fleet.broker))
    .sort((a, b) => RANK[a.level] - RANK[b.level])
}

function unreachable({ connection }: Facts): readonly Found[] {
  const { error, address } = connection
  return [
    {
      code: 'broker-unreachable',
      level: 'wrong',
      source: 'broker',
      title: error?.message ?? `There is no answer from ${address} yet.`,
      cost: 'Queues, workers and tasks of this broker are not known.',
      ...(error?.hint === undefined ? {} : { fix: error.hint }),
    },
  ]
}
