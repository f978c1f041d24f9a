import { z } from 'zod'

/** One thing that is wrong, or cannot be seen, with the setting that mends it. */
export const findingRow = z.object({
  /** Stable: what a script may match on. */
  code: z.string(),
  /**
   * `wrong`: tasks are delayed, lost or run twice, or nothing can be seen. `missing`: something cannot be seen. `info`: costs
   * nothing now.
   */
  level: z.enum(['ok', 'info', 'missing', 'wrong']),
  broker: z.string(),
  /** The source that is poorer for it; null when it is about the fleet itself. */
  source: z.enum(['events', 'inspect', 'broker']).nullable(),
  title: z.string(),
  cost: z.string().nullable(),
  /** The exact setting or command. */
  fix: z.string().nullable(),
  evidence: z.string().nullable(),
})

/** `/api/celeriac/findings`, worst first for each broker. */
export const findings = z.object({ nowMs: z.number(), findings: z.array(findingRow) })

export type FindingRow = z.infer<typeof findingRow>
export type Findings = z.infer<typeof findings>
