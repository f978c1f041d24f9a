/** A file as it was read; `-` for what came on stdin. */
export interface LintFile {
  readonly path: string
  readonly text: string
}
