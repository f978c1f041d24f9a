import type { LintSeverity } from '../contract.ts'
import type { LintReport } from '../lint.ts'
import { RULES } from '../rules/index.ts'

const LEVELS: Readonly<Record<LintSeverity, string>> = { error: 'error', warning: 'warning', info: 'note' }

/** Findings as SARIF 2.1.0, which code hosts show beside the lines. `version` is Celeriac's. */
export function formatSarif({ findings }: LintReport, version: string): string {
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'celeriac lint',
            version,
            rules: RULES.map(({ name, title, why, severity }) => ({
              id: name,
              shortDescription: { text: title },
              fullDescription: { text: why },
              defaultConfiguration: { level: LEVELS[severity] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(finding => ({
          ruleId: finding.rule,
          ruleIndex: RULES.findIndex(({ name }) => name === finding.rule),
          level: LEVELS[finding.severity],
          message: {
            text: finding.fix === null ? finding.message : `${finding.message}\n\nInstead: ${finding.fix}`,
          },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(finding.file) },
                region: {
                  startLine: finding.line,
                  startColumn: finding.column,
                  endLine: finding.endLine,
                  endColumn: finding.endColumn,
                },
              },
            },
          ],
        })),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}
