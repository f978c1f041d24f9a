import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command } from 'commander'
import { newRuleTestStore } from '../app/index.ts'
import { CeleriacError, errorText } from '../base/index.ts'
import { type RuleTestResult, runRuleTests } from '../rules/index.ts'
import { Exit, type World } from './command.ts'

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CeleriacError('FILE_UNREADABLE', `Cannot read ${path}: ${errorText(error)}.`, { cause: error })
  }
}

/** `celeriac rules test FILE...`: promtool's rule unit tests, evaluated by the engine that will evaluate the rules. */
export function rulesCommand(world: World): Command {
  const test = new Command('test')
    .description("run rule unit tests (promtool's format)")
    .argument('<file...>', 'test files; their rule_files are looked for beside them')
    .addHelpText('after', '\nExample:\n  celeriac rules test celery.rules.test.yml')
    .action(async (files: readonly string[]) => {
      let failed = false
      for (const file of files) {
        const path = resolve(world.folder, file)
        const result: RuleTestResult = await runRuleTests(readText(path), {
          loadRuleFile: name => readText(resolve(dirname(path), name)),
          newStore: newRuleTestStore,
          file,
        })
        world.stdout.write(`${file}: ${result.ok ? 'passed' : 'FAILED'}\n`)
        for (const failure of result.failures) world.stdout.write(`  ${failure.replaceAll('\n', '\n  ')}\n`)
        failed ||= !result.ok
      }
      if (failed) throw new Exit(1)
    })
  return new Command('rules').description('work with Prometheus rule files').addCommand(test)
}
