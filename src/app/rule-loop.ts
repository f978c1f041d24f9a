import { type Cancel, type Clock, errorText, type Log } from '../base/index.ts'
import {
  missedSlots,
  nextEvaluationMs,
  type GroupEvaluation,
  type RuleGroup,
  type Rules,
} from '../rules/index.ts'

export interface RuleLoopOptions {
  readonly rules: Rules
  readonly clock: Clock
  readonly log: Log
  readonly evaluated: (group: RuleGroup, evaluation: GroupEvaluation) => void
  readonly missed: (group: RuleGroup, slots: number) => void
}

/** Evaluates every group at its slots; a slot that passed while the group was busy is counted and skipped. */
export function createRuleLoop({ rules, clock, log, evaluated, missed }: RuleLoopOptions): {
  stop(): Promise<void>
} {
  const timers = new Map<RuleGroup, Cancel>()
  const running = new Set<Promise<void>>()
  let stopped = false

  const plan = (group: RuleGroup, previousMs: number | undefined): void => {
    if (stopped) return
    const atMs = nextEvaluationMs(group, clock.now())
    if (previousMs !== undefined) {
      const slots = missedSlots(group, previousMs, atMs)
      if (slots > 0) missed(group, slots)
    }
    timers.set(
      group,
      clock.after(atMs - clock.now(), () => {
        const run = evaluate(group, atMs).finally(() => {
          running.delete(run)
          plan(group, atMs)
        })
        running.add(run)
      }),
    )
  }

  const evaluate = async (group: RuleGroup, atMs: number): Promise<void> => {
    try {
      evaluated(group, await rules.evaluate(group, atMs))
    } catch (error) {
      log.error('Evaluating a rule group failed.', {
        file: group.file,
        group: group.name,
        error: errorText(error),
      })
    }
  }

  for (const group of rules.groups) plan(group, undefined)
  return {
    async stop() {
      stopped = true
      for (const cancel of timers.values()) cancel()
      await Promise.all(running)
    },
  }
}
