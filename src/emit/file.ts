/** A file that an emitter made; the path is relative to the target's folder, with forward slashes. */
export interface EmittedFile {
  readonly path: string
  readonly content: string
  /** A script that people run. */
  readonly executable?: true
}
