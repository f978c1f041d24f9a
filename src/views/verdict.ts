import { wordDuration } from '../base/index.ts'
import { Labels } from '../base/index.ts'
import type { Overview } from '../contract/index.ts'
import type { SourceView } from '../fleet/index.ts'
import { type AlertRow, isCritical } from './alerts.ts'
import { ageOf, type OverviewInput } from './input.ts'
import type { LimitOf } from './limits.ts'
import { counted, wordValue } from './values.ts'

export type Verdict = Overview['verdict']

/** What the verdict is drawn from. */
export interface Facts {
  readonly alerts: readonly AlertRow[]
  readonly rules: Overview['rulesEvaluated']
  readonly sources: Overview['sources']
  readonly queues: number
  readonly workers: number | null
}

/**
 * The one sentence on top: the worst thing, with its number, its limit and its age. What fires and can be seen comes first, then
 * what cannot be known, then rules that fail, then what is pending. Only when none of these is left, all is quiet; and then the
 * sentence proves that somebody looked.
 */
export function buildVerdict(input: OverviewInput, facts: Facts, limitOf: LimitOf): Verdict {
  const blind = blindness(input, facts.sources)
  const firing = facts.alerts.filter(alert => alert.state === 'firing')
  const seen = firing.filter(alert => alert.heldSinceMs === null)
  const [worst] = seen
  if (worst !== undefined)
    return {
      about: null,
      level: isCritical(worst) ? 'critical' : 'warning',
      headline: sentence(worst.summary),
      text: sentences([
        numbers(worst, limitOf),
        `Active for ${wordDuration(input.nowMs - worst.activeAtMs)}.`,
        others(facts.alerts, worst),
        blind?.headline,
      ]),
    }
  if (blind !== undefined)
    return {
      ...blind,
      text: sentences([
        blind.text,
        firing.length > 0
          ? `${counted(firing.length, 'alert')} fired before and ${firing.length === 1 ? 'is' : 'are'} held: what cannot be seen is not resolved.`
          : undefined,
      ]),
    }
  if (facts.rules.failing > 0)
    return {
      about: 'rules',
      level: 'warning',
      headline: `${facts.rules.failing} of ${counted(facts.rules.rules, 'rule')} cannot be evaluated.`,
      text: sentences([
        firstFailure(input),
        'Their alerts neither fire nor resolve; api/v1/rules has the errors.',
        others(facts.alerts, undefined),
      ]),
    }
  const [held] = firing
  if (held !== undefined)
    return {
      about: null,
      level: isCritical(held) ? 'critical' : 'warning',
      headline: sentence(held.summary),
      text: sentences([
        `Held for ${wordDuration(input.nowMs - (held.heldSinceMs ?? input.nowMs))}: what it watches could not be seen, and has not been seen since for as long as the rule looks back.`,
        others(facts.alerts, held),
      ]),
    }
  const [pending] = facts.alerts
  if (pending !== undefined)
    return {
      about: null,
      level: 'pending',
      headline: sentence(pending.summary),
      text: sentences([
        numbers(pending, limitOf),
        `Nothing fires yet; it would after ${wordDuration(forOf(input, pending))}, and has been so for ${wordDuration(input.nowMs - pending.activeAtMs)}.`,
        others(facts.alerts, pending),
      ]),
    }
  return {
    about: null,
    level: 'ok',
    headline: 'All quiet.',
    text: `${counted(facts.queues, 'queue')}, ${counted(facts.workers ?? 0, 'worker')}, ${counted(facts.rules.rules, 'rule')}, checked ${wordDuration(Math.round((input.nowMs - checkedAtMs(input, facts)) / 1000) * 1000)} ago.`,
  }
}

/** Why the fleet cannot be judged at all, or undefined when it can. */
function blindness(input: OverviewInput, sources: Overview['sources']): Verdict | undefined {
  const unknown = (headline: string, text: string, about: string | null = null): Verdict => ({
    level: 'unknown',
    headline,
    text,
    about,
  })
  if (input.brokers.length === 0)
    return unknown('No broker is watched.', 'Name one with --broker, for example redis://localhost:6379/0.')
  const lost = input.brokers.find(broker => broker.state.state !== 'connected')
  if (lost !== undefined) {
    const { state, sinceMs, error } = lost.state
    const since = wordDuration(input.nowMs - sinceMs)
    const known = sources.some(row => row.broker === lost.name && row.lastSuccessMs !== null)
    const about = `broker ${lost.name}`
    if (state === 'stopped')
      return unknown(`Broker ${lost.name} is no longer watched.`, `Since ${since}.`, about)
    return unknown(
      known ? `The connection to broker ${lost.name} is lost.` : `Broker ${lost.name} is not reached yet.`,
      sentences([
        `For ${since}; it is tried again and again.`,
        error?.message,
        'Until then queues, workers and tasks cannot be known; nothing is taken for 0 or for resolved.',
      ]),
      about,
    )
  }
  if (ageOf(input) !== 'fresh')
    return input.collectedAtMs === null
      ? unknown('Nothing is known yet.', 'The first collection is under way.')
      : unknown(
          `The numbers are ${wordDuration(input.nowMs - input.collectedAtMs)} old.`,
          'Collection stands still, so nothing newer can be known.',
        )
  const dark = sources.find(row => row.state === 'blind') ?? sources.find(row => row.state === 'stale')
  if (dark !== undefined)
    return unknown(
      `The source ${dark.source} of broker ${dark.broker} is ${dark.state}.`,
      sentences([dark.detail ?? undefined, 'Nothing fires, but not everything can be seen.']),
    )
  const waiting = sources.find(row => row.state === 'waiting')
  if (waiting !== undefined)
    return unknown(
      'Not everything is known yet.',
      sentences([`Waiting for ${waiting.source} of broker ${waiting.broker}.`, waiting.detail ?? undefined]),
    )
  if (input.rules.length > 0 && input.rules.every(group => group.lastEvaluationMs === undefined))
    return unknown('No rule was evaluated yet.', 'The first evaluation follows within seconds.')
  return undefined
}

function numbers(alert: AlertRow, limitOf: LimitOf): string | undefined {
  const limit = limitOf(alert.name, Labels.from(alert.labels))
  return limit === null
    ? undefined
    : `Now ${wordValue(alert.value, limit.unit)}, limit ${wordValue(limit.value, limit.unit)}.`
}

function others(alerts: readonly AlertRow[], told: AlertRow | undefined): string | undefined {
  const rest = alerts.filter(alert => alert !== told)
  const firing = rest.filter(alert => alert.state === 'firing').length
  const pending = rest.length - firing
  const more = told === undefined ? '' : ' more'
  const parts = [
    firing === 0 ? undefined : `${firing}${told?.state === 'firing' ? more : ''} firing`,
    pending === 0 ? undefined : `${pending}${told?.state === 'pending' ? more : ''} pending`,
  ].filter(part => part !== undefined)
  return parts.length === 0 ? undefined : `${parts.join(', ')}.`
}

function firstFailure(input: OverviewInput): string | undefined {
  for (const group of input.rules)
    for (const { rule, health, lastError } of group.rules)
      if (health === 'err')
        return `${rule.kind === 'alert' ? rule.alert : rule.record}: ${lastError ?? 'no reason given'}`
  return undefined
}

const forOf = (input: OverviewInput, alert: AlertRow): number => {
  for (const group of input.rules)
    for (const { rule } of group.rules)
      if (rule.kind === 'alert' && rule.alert === alert.name) return rule.forMs
  return 0
}

/** The older of the last collection and the last evaluation: both must have happened for "quiet" to mean something. */
const checkedAtMs = (input: OverviewInput, facts: Facts): number =>
  Math.min(input.collectedAtMs ?? input.nowMs, facts.rules.lastMs ?? input.nowMs)

const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`)

const sentences = (parts: readonly (string | undefined)[]): string =>
  parts
    .filter(part => part !== undefined && part !== '')
    .map(part => sentence(part ?? ''))
    .join(' ')

/**
 * The rows of all sources, told broker by broker. That of the host is left out while it waits: workers that run where nothing
 * measures them are no fault, and not something to wait for.
 */
export const sourceRows = (input: OverviewInput): Overview['sources'] =>
  input.fleets.flatMap(fleet => {
    const { broker } = fleet
    const host = input.hostSource?.(broker)
    return [
      ...fleet.sources(input.nowMs).map((view: SourceView) => ({ broker, ...view })),
      ...(host === undefined || host.state === 'waiting'
        ? []
        : [{ broker, source: 'host' as const, ...host }]),
    ]
  })
