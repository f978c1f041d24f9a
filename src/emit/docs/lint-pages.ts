import { type Finding, fix, lint, type LintFile, type LintRule, RULES } from '../../lint/index.ts'
import type { EmittedFile } from '../file.ts'
import { bullets, code, fenced, page, table } from './markdown.ts'

const SEVERITY_IN_WORDS = {
  error: 'error: it does not work',
  warning: 'warning: it misleads somebody',
  info: 'hint: it will mislead somebody one day',
} as const

/** One page for each rule of `celeriac lint`, and an index of them. */
export const lintPages = (note: string): readonly EmittedFile[] => [
  {
    path: 'lint/README.md',
    content: page(
      note,
      '# Rules of `celeriac lint`',
      'What `celeriac lint` looks for, by name. How it is used: [lint.md](../lint.md). What it says of the files of a guide: [guide.md](guide.md). How it was tried on public rules: [public-rules.md](public-rules.md).',
      table(
        ['rule', 'severity', 'mended by `--fix`', 'what must not be'],
        RULES.map(rule => [
          `[${rule.name}](${rule.name}.md)`,
          rule.severity,
          isMended(rule) ? 'yes' : '',
          rule.title,
        ]),
      ),
    ),
  },
  ...RULES.map(rule => ({ path: `lint/${rule.name}.md`, content: rulePage(note, rule) })),
]

function rulePage(note: string, rule: LintRule): string {
  const findings = lint(rule.bad).findings.filter(finding => finding.rule === rule.name)
  return page(
    note,
    `# ${rule.name}`,
    `${rule.title}. ${SEVERITY_IN_WORDS[rule.severity]}.`,
    rule.why,
    '## Wrong',
    ...files(rule.bad),
    fenced('text', findings.map(said).join('\n')),
    '## Right',
    ...files(
      rule.good.filter(({ path, text }) => !rule.bad.some(bad => bad.path === path && bad.text === text)),
    ),
    isMended(rule) ? '`--fix` makes this change. Comments and layout stay as they are.' : '',
    '## To silence it',
    `With a reason, on the line or above it: ${code(`# celeriac-lint: ignore ${rule.name} why it is right here`)}. Everywhere: ${code(`--disable ${rule.name}`)}.`,
    ...(rule.sources === undefined ? [] : ['## Sources', bullets(rule.sources.map(url => `<${url}>`))]),
  )
}

const said = ({ file, line, column, severity, message, fix: instead }: Finding): string =>
  `${file}:${line}:${column} ${severity} ${message}${instead === null ? '' : `\n  fix: ${instead.replaceAll('\n', '\n       ')}`}`

const isMended = (rule: LintRule): boolean => {
  const others = RULES.map(({ name }) => name).filter(name => name !== rule.name)
  return fix(rule.bad, { disable: others }).changed.length > 0
}

const LANGUAGES: Readonly<Record<string, string>> = {
  yml: 'yaml',
  yaml: 'yaml',
  json: 'json',
  sh: 'sh',
  py: 'python',
}

const files = (list: readonly LintFile[]): readonly string[] =>
  list.map(({ path, text }) => {
    const language = LANGUAGES[path.split('.').at(-1) ?? ''] ?? 'text'
    return `${list.length === 1 ? '' : `${code(path)}:\n\n`}${fenced(language, text.trimEnd())}`
  })
