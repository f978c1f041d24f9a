import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runScript } from './promql-run.ts'

/** Prometheus' own scripts, read in place beside the checkout (Apache-2.0, The Prometheus Authors; never copied here). */
const CORPUS = fileURLToPath(new URL('../../../shared/promqltest/core/', import.meta.url))
const files = existsSync(CORPUS) ? readdirSync(CORPUS).filter(name => name.endsWith('.test')) : []

describe.skipIf(files.length === 0)('the scripts of Prometheus, which stand beside the checkout', () => {
  test('the folder holds scripts', () => {
    expect(files.length).toBeGreaterThan(0)
  })

  for (const name of files) {
    const script = readFileSync(CORPUS + name, 'utf8')
    const evals = script.match(/^eval/gm)?.length ?? 0
    test(`${name} passes as on a stock Prometheus 3 server (${evals} evals)`, () => {
      const result = runScript(name, script)
      expect(result.failures).toBe('')
      expect(result.evals).toBe(evals)
    })
  }
})
