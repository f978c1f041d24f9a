import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command } from 'commander'
import { newRuleTestStore } from '../app/index.ts'
import { CeleriacError, fileTrouble } from '../base/index.ts'
import { type RuleTestResult, runRuleTests } from '../rules/index.ts'
import { Exit, type World } from './command.ts'

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CeleriacError('FILE_UNREADABLE', `Cannot read ${path}: ${fileTrouble(error)}.`, {
      hint: 'Check the path.',
      cause: error,
    })
  }
}

/** `celeriac rules test FILE...`: promtool's rule unit tests, evaluated by the engine that will evaluate the rules. */
export function rulesCommand(world: World): Command {
  const test = new Command('test')
    .description("run rule unit tests (promtool's format)")
    .argument('<file...>', 'test files; their rule_files are looked for beside them')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  celeriac rules test celery.rules.test.yml\n\nExit code: 0 all passed, 1 some failed, 2 used wrongly.',
    )
    .action(async (files: readonly string[], { json }: { readonly json?: boolean }) => {
      const results: ({ readonly file: string } & RuleTestResult)[] = []
      for (const file of files) {
        const path = resolve(world.folder, file)
        const result: RuleTestResult = await runRuleTests(readText(path), {
          loadRuleFile: name => readText(resolve(dirname(path), name)),
          newStore: newRuleTestStore,
          file,
        })
        results.push({ file, ...result })
        if (json === true) continue
        world.stdout.write(`${file}: ${result.ok ? 'passed' : 'FAILED'}\n`)
        for (const failure of result.failures) world.stdout.write(`  ${failure.replaceAll('\n', '\n  ')}\n`)
      }
      if (json === true) world.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
      if (results.some(({ ok }) => !ok)) throw new Exit(1)
    })
  return new Command('rules')
    .description('work with Prometheus rule files')
    .addCommand(test)
    .addHelpText('after', '\nExample:\n  celeriac rules test celery.rules.test.yml')
}
