import { startWebServer } from './child.ts'

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
  const { url, stop } = await startWebServer({
    program: 'prometheus-alertmanager',
    config: JSON.stringify(config),
    args: place => [
      `--config.file=${place.file}`,
      `--storage.path=${place.folder}`,
      `--web.listen-address=${new URL(place.url).host}`,
      `--web.external-url=${place.url}`,
      '--cluster.listen-address=',
    ],
  })
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
