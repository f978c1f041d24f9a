import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './redis.ts'

const START_TIMEOUT_MS = 20_000

export interface AlertmanagerServer {
  /** `http://127.0.0.1:port`, also what it takes for its external URL. */
  readonly url: string
  /** Posts alerts to the v2 API; rejects when they are refused. */
  post(alerts: readonly unknown[]): Promise<void>
  /** Ends the process and removes its folder. */
  stop(): Promise<void>
}

/** A real Alertmanager on a free loopback port, without a cluster, in a folder of its own. `config` is its YAML (JSON is YAML). */
export async function startAlertmanager(config: unknown): Promise<AlertmanagerServer> {
  const folder = await mkdtemp(join(tmpdir(), 'celeriac-alertmanager-'))
  const file = join(folder, 'alertmanager.yml')
  await writeFile(file, JSON.stringify(config))
  const url = `http://127.0.0.1:${await freePort()}`
  const child = spawn(
    'prometheus-alertmanager',
    [
      `--config.file=${file}`,
      `--storage.path=${folder}`,
      `--web.listen-address=${new URL(url).host}`,
      `--web.external-url=${url}`,
      '--cluster.listen-address=',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let output = ''
  child.stderr.on('data', chunk => (output = (output + String(chunk)).slice(-2000)))
  child.on('error', error => (output += error.message))
  const endWithUs = (): void => {
    child.kill('SIGKILL')
  }
  process.on('exit', endWithUs)
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
      child.kill('SIGKILL')
      await ended
    }
    process.off('exit', endWithUs)
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_TIMEOUT_MS
  const ready = async (): Promise<boolean> => {
    try {
      return (await fetch(`${url}/-/ready`)).ok
    } catch {
      // Not listening yet.
      return false
    }
  }
  while (!(await ready())) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`prometheus-alertmanager did not start: ${output}`)
    }
    await sleep(50)
  }
  return {
    url,
    async post(alerts) {
      const response = await fetch(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alerts),
      })
      if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`)
    },
    stop,
  }
}
