import { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { pino } from 'pino'
import { correlationMixin } from '../correlation/index.ts'
import { CeleriacError, errorText, type Log, type LogFields } from '../base/index.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'json' | 'pretty'
  /** Where lines go; standard error by default, so that standard output stays for what a command prints. */
  readonly stream?: NodeJS.WritableStream
}

const COLORS: Readonly<Record<string, 'gray' | 'cyan' | 'yellow' | 'red'>> = {
  debug: 'gray',
  info: 'cyan',
  warn: 'yellow',
  error: 'red',
}

interface Line {
  readonly '@timestamp': string
  readonly 'log.level': string
  readonly message: string
  readonly celeriac?: LogFields
}

/** A hostile name may hold line breaks or terminal codes: they are shown escaped, never obeyed. */
const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, character => JSON.stringify(character).slice(1, -1))

function prettyLine(text: string, stream: NodeJS.WritableStream): string {
  const line = JSON.parse(text) as Line
  const style = (format: Parameters<typeof styleText>[0], part: string): string =>
    styleText(format, part, { stream, validateStream: true })
  const fields = Object.entries(line.celeriac ?? {})
    .map(([name, value]) => `${name}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`)
    .join(' ')
  const level = line['log.level']
  const time = line['@timestamp'].slice(11, 19)
  return `${style('gray', time)} ${style(COLORS[level] ?? 'gray', level.padEnd(5))} ${printable(line.message)}${fields === '' ? '' : ` ${style('gray', fields)}`}\n`
}

const fieldText = (value: unknown): unknown =>
  value instanceof CeleriacError ? value.line : value instanceof Error ? errorText(value) : value

/**
 * The program's log: one JSON object a line in Elastic Common Schema's names (`@timestamp`, `log.level`, `message`,
 * `service.name`; our own fields under `celeriac`), or lines for people on a terminal.
 */
export function createLog({ level, format, stream = process.stderr }: LogOptions): Log {
  const destination =
    format === 'json'
      ? stream
      : new Writable({
          decodeStrings: false,
          write(chunk: string, _encoding, done) {
            stream.write(prettyLine(chunk, stream), () => done())
          },
        })
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      mixin: correlationMixin,
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: {
        level: label => ({ 'log.level': label }),
        log: fields => ({ 'service.name': 'celeriac', ...fields }),
      },
    },
    destination,
  )
  const write =
    (method: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      if (fields === undefined) return logger[method]({}, message)
      const own = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fieldText(value)]))
      return logger[method]({ celeriac: own }, message)
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
