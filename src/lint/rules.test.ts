import { expect, test } from 'vitest'
import { fix, lint, RULES } from './index.ts'
import { formatText } from './format/text.ts'

test.each(RULES.map(rule => [rule.name, rule] as const))(
  '%s finds its fault and is content with the correction',
  async (name, rule) => {
    const report = lint(rule.bad)
    const own = { ...report, findings: report.findings.filter(finding => finding.rule === name) }
    expect(own.findings.length).toBeGreaterThan(0)
    expect(lint(rule.good).findings.filter(finding => finding.rule === name)).toEqual([])
    const { changed } = fix(rule.bad, {
      disable: RULES.map(other => other.name).filter(other => other !== name),
    })
    const mended = changed.map(({ path, text }) => `--fix makes ${path}:\n${text}`).join('\n')
    await expect(`${formatText(own)}\n${mended}`).toMatchFileSnapshot(`__snapshots__/${name}.txt`)
  },
)
