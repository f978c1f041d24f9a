import { setTimeout as sleep } from 'node:timers/promises'
import { askRedis, type RedisServer, startRedis } from './redis.ts'

/** A server that is silent for so long counts as down. */
export const DOWN_AFTER_MS = 1_000
const AGREE_TIMEOUT_MS = 30_000

export interface SentinelGroup {
  /** `sentinel://…;sentinel://…`, with the password of the servers; the group is `mymaster`. */
  readonly url: string
  /** The master in the beginning, and its replica. */
  readonly servers: readonly [RedisServer, RedisServer]
  readonly sentinels: readonly RedisServer[]
  /** The port that the first sentinel says the master has. */
  masterPort(): Promise<number>
  stop(): Promise<void>
}

/** A real master, a replica in step with it, and sentinels that know each other and both. Call `stop` in `afterAll`. */
export async function startSentinels(
  options: {
    readonly password?: string
    readonly sentinelPassword?: string
    readonly sentinels?: number
  } = {},
): Promise<SentinelGroup> {
  const { password, sentinelPassword } = options
  const count = options.sentinels ?? 3
  const running: RedisServer[] = []
  const started = async (given: Parameters<typeof startRedis>[0]): Promise<RedisServer> => {
    const server = await startRedis(given)
    running.push(server)
    return server
  }
  const stop = async (): Promise<void> => {
    for (const server of running.toReversed()) await server.stop()
  }
  const withPassword = (text: string | undefined) => (text === undefined ? {} : { password: text })
  try {
    const args = ['repl-diskless-sync-delay 0', ...(password === undefined ? [] : [`masterauth ${password}`])]
    const master = await started({ ...withPassword(password), args })
    const replica = await started({
      ...withPassword(password),
      args: [...args, `replicaof 127.0.0.1 ${master.port}`],
    })
    await until('a replica in step', async () =>
      String(await askRedis(replica.url, 'INFO', 'replication')).includes('master_link_status:up'),
    )
    const sentinels: RedisServer[] = []
    for (let i = 0; i < count; i++) {
      sentinels.push(
        await started({
          sentinel: true,
          ...withPassword(sentinelPassword),
          args: [
            `sentinel monitor mymaster 127.0.0.1 ${master.port} ${Math.floor(count / 2) + 1}`,
            `sentinel down-after-milliseconds mymaster ${DOWN_AFTER_MS}`,
            'sentinel failover-timeout mymaster 5000',
            ...(password === undefined ? [] : [`sentinel auth-pass mymaster ${password}`]),
            ...(sentinelPassword === undefined ? [] : [`sentinel sentinel-pass ${sentinelPassword}`]),
          ],
        }),
      )
    }
    for (const { url } of sentinels)
      await until('sentinels that know each other', async () => {
        const facts = (await askRedis(url, 'SENTINEL', 'MASTER', 'mymaster')) as string[]
        const read = (name: string): number => Number(facts[facts.indexOf(name) + 1])
        return read('num-other-sentinels') === count - 1 && read('num-slaves') === 1
      })
    const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`
    return {
      url: sentinels.map(({ port }) => `sentinel://${credentials}127.0.0.1:${port}/0`).join(';'),
      servers: [master, replica],
      sentinels,
      async masterPort() {
        const [, port] = (await askRedis(
          sentinels[0]?.url ?? '',
          'SENTINEL',
          'GET-MASTER-ADDR-BY-NAME',
          'mymaster',
        )) as string[]
        return Number(port)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + AGREE_TIMEOUT_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${AGREE_TIMEOUT_MS} ms`)
    await sleep(50)
  }
}
