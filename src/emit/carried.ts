/** What the chart and the Compose stack carry of other targets, as it is there. */
import type { EmittedFile } from './file.ts'
import { emitPrometheus } from './prometheus/index.ts'
import type { EmitSettings } from './settings.ts'

/** The rule files of the target prometheus. */
export const ruleFiles = (settings: EmitSettings): readonly EmittedFile[] =>
  emitPrometheus(settings).filter(({ path }) => path.endsWith('.rules.yml'))
