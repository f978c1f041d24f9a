/** The options of `celeriac emit`, each once: how it is typed, what it means and how its text is read. */
import { CeleriacError } from '../base/index.ts'
import type { EmitSettings } from './settings.ts'

export interface EmitOption {
  /** As the command line shows it: `--label <name=value>`. */
  readonly flags: string
  readonly help: string
  readonly repeatable?: true
  /** Reads what was typed, in its order. Throws USAGE that says what was expected. */
  readonly read: (texts: readonly string[]) => Partial<EmitSettings>
}

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const HOST_PORT = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/

const wrong = (option: string, expected: string, text: string): CeleriacError =>
  new CeleriacError('USAGE', `--${option}: expected ${expected}, got ${JSON.stringify(text)}.`)

/** Labels of Kubernetes objects, by the rules of its API (labels and selectors, syntax and character set). */
const labelPairs = (option: string, texts: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    texts.map(text => {
      const at = text.indexOf('=')
      const [name, value] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
      if (!LABEL_NAME.test(name) || !LABEL_VALUE.test(value))
        throw wrong(option, 'a label of Kubernetes as NAME=VALUE', text)
      return [name, value]
    }),
  )

/** The last one counts, as on most command lines. */
const checked = (option: string, texts: readonly string[], form: RegExp, expected: string): string => {
  const text = texts.at(-1) ?? ''
  if (!form.test(text)) throw wrong(option, expected, text)
  return text
}

const httpUrl = (option: string, texts: readonly string[]): string =>
  checked(option, texts, /^https?:\/\/[^\s/]+\S*$/, 'a URL that begins with http:// or https://')

export const emitOptions = {
  config: {
    flags: '-c, --config <file>',
    help: 'configuration file: thresholds, durations and severities of the alerts, links, addresses',
    // Whoever runs the command reads the file and lays it over the catalog.
    read: () => ({}),
  },
  label: {
    flags: '--label <name=value>',
    help: 'label of every Kubernetes object, such as release=NAME; repeatable',
    repeatable: true,
    read: texts => ({ labels: labelPairs('label', texts) }),
  },
  namespace: {
    flags: '--namespace <name>',
    help: 'namespace of every Kubernetes object (default celeriac)',
    read: texts => ({ namespace: checked('namespace', texts, DNS_LABEL, 'the name of a namespace') }),
  },
  selector: {
    flags: '--selector <name=value>',
    help: 'label of the pods to select (default app.kubernetes.io/name=celeriac); repeatable',
    repeatable: true,
    read: texts => ({ selector: labelPairs('selector', texts) }),
  },
  datasource: {
    flags: '--datasource <uid>',
    help: "uid of Grafana's data source (default: each dashboard has a menu of them)",
    read: texts => ({
      datasource: checked('datasource', texts, /^[A-Za-z0-9_-]{1,40}$/, 'the uid of a data source'),
    }),
  },
  prometheus: {
    flags: '--prometheus <url>',
    help: 'where Grafana reaches Prometheus (default http://127.0.0.1:9090)',
    read: texts => ({ prometheus: httpUrl('prometheus', texts) }),
  },
  scrape: {
    flags: '--scrape <host:port>',
    help: 'where Prometheus reaches Celeriac (default: as config listens)',
    read: texts => ({ scrape: checked('scrape', texts, HOST_PORT, 'HOST:PORT') }),
  },
  alertmanager: {
    flags: '--alertmanager <host:port>',
    help: 'where Prometheus reaches Alertmanager (default 127.0.0.1:9093)',
    read: texts => ({ alertmanager: checked('alertmanager', texts, HOST_PORT, 'HOST:PORT') }),
  },
  secrets: {
    flags: '--secrets <folder>',
    help: 'where Alertmanager finds secrets as files (default /etc/alertmanager/secrets)',
    read: texts => ({
      secrets: checked('secrets', texts, /^\S.*$/, 'a folder').replace(/(?<=.)\/+$/, ''),
    }),
  },
  pagerdutyUrl: {
    flags: '--pagerduty-url <url>',
    help: "Events API v2 of PagerDuty's region (default: that of the USA)",
    read: texts => ({ pagerdutyUrl: httpUrl('pagerduty-url', texts) }),
  },
  watchdogUrl: {
    flags: '--watchdog-url <url>',
    help: 'what calls people when the watchdog stops coming (default: nothing is told)',
    read: texts => ({ watchdogUrl: httpUrl('watchdog-url', texts) }),
  },
} as const satisfies Readonly<Record<string, EmitOption>>

/** Its key in `emitOptions`, which is also the attribute name that a command line parser gives it. */
export type OptionName = keyof typeof emitOptions

const isOption = (name: string): name is OptionName => Object.hasOwn(emitOptions, name)

/** How an option is typed, without its value: `--label`. */
export const optionFlag = (name: OptionName): string => /--[a-z-]+/.exec(emitOptions[name].flags)?.[0] ?? name

/**
 * Reads options as they were typed. Throws USAGE that names an option which the target does not use, or a value that is not what
 * was expected.
 */
export function readOptions(
  target: { readonly name: string; readonly uses: readonly OptionName[] },
  typed: Readonly<Record<string, unknown>>,
): Partial<EmitSettings> {
  let settings: Partial<EmitSettings> = {}
  for (const [name, value] of Object.entries(typed)) {
    if (!isOption(name) || value === undefined) continue
    if (!target.uses.includes(name)) throw unused(target, name)
    settings = { ...settings, ...emitOptions[name].read([value].flat().map(String)) }
  }
  return settings
}

const unused = (
  target: { readonly name: string; readonly uses: readonly OptionName[] },
  name: OptionName,
): CeleriacError => {
  const used = target.uses.map(optionFlag)
  return new CeleriacError('USAGE', `${optionFlag(name)} is not used by emit ${target.name}.`, {
    hint: used.length === 0 ? 'It takes no options but -o.' : `It takes ${used.join(', ')}.`,
  })
}
