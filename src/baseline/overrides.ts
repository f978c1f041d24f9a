import type { Proposal } from './propose.ts'

/** Where a proposal stands in a configuration, and its value. */
export interface ProposedSetting {
  /** `['alerts', NAME, 'tasks', TASK]` or `['alerts', NAME, 'threshold']`. */
  readonly path: readonly string[]
  readonly value: number
}

/** The settings of proposals that differ from what holds. */
export const proposedSettings = (proposals: readonly Proposal[]): readonly ProposedSetting[] =>
  proposals.flatMap(({ alert, scope, name, present, proposed }) => {
    if (proposed === null || present === null || present.threshold === proposed.threshold) return []
    return [
      {
        path:
          scope === null || name === null
            ? ['alerts', alert, 'threshold']
            : ['alerts', alert, `${scope}s`, name],
        value: proposed.threshold,
      },
    ]
  })
