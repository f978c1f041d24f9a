/** Fields of a log line: names in camelCase, never a secret, never task arguments. */
export type LogFields = Readonly<Record<string, unknown>>

/** What rooms write to; the composition root joins it to the real logger. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Keeps lines in memory, for tests. */
export function memoryLog(): Log & {
  readonly lines: readonly { level: string; message: string; fields: LogFields }[]
} {
  const lines: { level: string; message: string; fields: LogFields }[] = []
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
