/**
 * Numbers from events as they may be shown. A counter stands still while its events cannot be heard, so that its rate falls to 0
 * although nobody knows; what is unknown must not look like 0.
 */
import { averageOver, latest, maxBy, on, onManyToOne, promql, when } from './expr.ts'
import { metrics } from './metrics.ts'
import type { Expr } from './spec.ts'

const EVENTS = { source: 'events' } as const

/** Brokers whose events are heard now. */
const heard = promql`${latest(metrics.sourceUp, EVENTS)} == 1`

/** The share of a rate's window in which events were heard. */
const shareHeard = maxBy(['broker'], averageOver(metrics.sourceUp, EVENTS))

/** Without a value at times when the events of its broker were not heard. */
export const whileHeard = (of: Expr): Expr => when(of, on('broker'), heard)

/**
 * A rate per second in which events were heard, and without a value while they are not: after an outage it does not climb from 0
 * to what is true over the length of its window.
 */
export const perSecondHeard = (of: Expr): Expr =>
  whileHeard(promql`${of} / ${onManyToOne('broker')} (${shareHeard} > 0)`)
