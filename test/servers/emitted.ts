import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAIN } from './celeriac.ts'
import { type LoggedProcess, spawnLogged } from './celery.ts'
import { freePort } from './child.ts'

export interface EmittedStack {
  readonly prometheusUrl: string
  readonly alertmanagerUrl: string
  /** GET below one of the two, parsed. */
  get(url: string): Promise<unknown>
  stop(): Promise<void>
}

/**
 * A real Prometheus and a real Alertmanager, started from what the built program emits for this configuration, unedited. Slack,
 * PagerDuty and the watchdog are the paths `/slack`, `/pagerduty` and `/watchdog` of `receiverUrl`.
 */
export async function startEmitted(options: {
  readonly configText: string
  /** Of what is scraped, `host:port`. */
  readonly scrape: string
  readonly receiverUrl: string
}): Promise<EmittedStack> {
  if (!existsSync(MAIN)) throw new Error('The program is not built. Run npm run build.')
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-emitted-'))
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('celeriac.yaml'), options.configText)
  const [prometheus, alertmanager] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  emit(folder, ['prometheus', '--scrape', options.scrape, '--alertmanager', alertmanager])
  emit(folder, [
    'alertmanager',
    '--secrets',
    at('secrets'),
    '--pagerduty-url',
    `${options.receiverUrl}/pagerduty`,
    '--watchdog-url',
    `${options.receiverUrl}/watchdog`,
  ])
  mkdirSync(at('secrets'))
  writeFileSync(at('secrets/slack-webhook-url'), `${options.receiverUrl}/slack\n`)
  writeFileSync(at('secrets/pagerduty-routing-key'), 'key\n')

  const started: LoggedProcess[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(each => each.kill()))
    rmSync(folder, { recursive: true, force: true })
  }
  const start = async (name: string, args: readonly string[], ready: string): Promise<void> => {
    started.push(
      await spawnLogged({
        command: name,
        args,
        cwd: folder,
        environment: process.env,
        name,
        ready: log => log.includes(ready),
      }),
    )
  }
  try {
    await start(
      'prometheus-alertmanager',
      [
        `--config.file=${at('alertmanager/alertmanager.yml')}`,
        `--storage.path=${at('alerts')}`,
        `--web.listen-address=${alertmanager}`,
        '--cluster.listen-address=',
      ],
      'Listening on',
    )
    await start(
      'prometheus',
      [
        `--config.file=${at('prometheus/prometheus.yml')}`,
        `--storage.tsdb.path=${at('samples')}`,
        `--web.listen-address=${prometheus}`,
        // What fires before Alertmanager is discovered is lost, and would be sent again after a minute only.
        '--rules.alert.resend-delay=2s',
      ],
      'Server is ready to receive web requests',
    )
  } catch (error) {
    await stop()
    throw error
  }
  return {
    prometheusUrl: `http://${prometheus}`,
    alertmanagerUrl: `http://${alertmanager}`,
    async get(url) {
      const response = await fetch(url)
      if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
      return response.json()
    },
    stop,
  }
}

/** `celeriac emit TARGET -o FOLDER/TARGET` with the configuration of the folder. */
function emit(folder: string, [target = '', ...more]: readonly string[]): void {
  const { status, stderr } = spawnSync(
    process.execPath,
    [MAIN, 'emit', target, '--config', 'celeriac.yaml', '-o', target, ...more],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`emit ${target}: ${stderr}`)
}
