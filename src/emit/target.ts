import type { EmittedFile } from './file.ts'
import type { OptionName } from './options.ts'
import type { EmitSettings } from './settings.ts'

/** One engine or format for which files are emitted. Adding one is a folder with its `Target` and a line in `targets.ts`. */
export interface Target {
  /** What people type: `celeriac emit NAME`. */
  readonly name: string
  /** One line in the help. */
  readonly description: string
  /** The options that it reads; others are refused. */
  readonly uses: readonly OptionName[]
  /** All of its files. The same settings give the same bytes. */
  files(settings: EmitSettings): readonly EmittedFile[]
  /** What is printed without `-o`: one text that can be piped as it is. */
  print(settings: EmitSettings): string
}
