import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, killed, running } from './child.ts'

const START_TIMEOUT_MS = 150_000
const PORT_ATTEMPTS = 3

/** Debian's wrapper changes the user; the scripts behind it run as who we are. */
const SCRIPTS = '/usr/lib/rabbitmq/bin'
const script = (name: string): string => (existsSync(join(SCRIPTS, name)) ? join(SCRIPTS, name) : name)

export interface RabbitmqOptions {
  /** Lines of rabbitmq.conf. */
  readonly config?: readonly string[]
  /** PEM files; opens a TLS port, which asks clients for a certificate with `verifyPeer`. */
  readonly tls?: {
    readonly ca: string
    readonly cert: string
    readonly key: string
    readonly verifyPeer?: boolean
  }
}

export interface RabbitmqServer {
  /** `amqp://guest:guest@127.0.0.1:port`, without a path: vhost `/`. */
  readonly url: string
  readonly port: number
  /** 0 without `tls`. */
  readonly tlsPort: number
  /** `http://127.0.0.1:port`, user and password as for AMQP. */
  readonly managementUrl: string
  /** The process of the server now. */
  readonly pid: number
  /** When it began to take AMQP connections, epoch ms; the management API follows, and `restart` waits for both. */
  readonly acceptsSinceMs: number
  /** Calls the management API below `/api/` as guest; the parsed JSON, or undefined where there is no body. Throws unless 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
  /** Makes an empty vhost that guest may use, and returns its AMQP URL. */
  createVhost(name: string): Promise<string>
  /** Names of all queues of a vhost. */
  queues(vhost: string): Promise<readonly string[]>
  /** Runs `rabbitmqctl` with these arguments. */
  ctl(...args: readonly string[]): Promise<string>
  /** Ends the process at once (SIGKILL), as a crash does. */
  kill(): Promise<void>
  /** Starts again on the same ports with the same data, after `kill`; resolves when it answers. */
  restart(): Promise<void>
  /** Hangs the process (SIGSTOP): connections stay open and nothing answers. */
  pause(): void
  resume(): void
  /** Ends the process and what it started, and removes its folder. May be called twice. */
  stop(): Promise<void>
}

/**
 * A real rabbitmq-server with its management API on free loopback ports, everything in a folder of its own; resolves when both
 * answer, which takes about five seconds, so share one in a test file. It has a port mapper (epmd) of its own as well, which a
 * server would otherwise start for the whole machine and leave running. Call `stop` in `afterAll`.
 */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  const folder = await mkdtemp(join(tmpdir(), 'celeriac-rabbitmq-'))
  let ports = await freePorts()
  let server: ChildProcess | undefined
  let portMapper: ChildProcess | undefined
  let acceptsSinceMs = 0
  const endWithUs = (): void => {
    server?.kill('SIGKILL')
    portMapper?.kill('SIGKILL')
  }
  process.on('exit', endWithUs)

  const environment = (): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // The start script becomes the server instead of waiting for it, so that our child is the server.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_NODENAME: `celeriac${ports.amqp}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.dist),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput -kernel inet_dist_use_interface {127,0,0,1}',
  })

  const launch = async (): Promise<void> => {
    await writeFile(join(folder, 'rabbitmq.conf'), configText(ports, options))
    await writeFile(join(folder, 'enabled_plugins'), '[rabbitmq_management].\n')
    if (portMapper === undefined || !running(portMapper)) {
      portMapper = spawn('epmd', [], { cwd: folder, env: environment(), stdio: 'ignore' })
      portMapper.on('error', () => {})
    }
    const started = spawn(script('rabbitmq-server'), [], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    started.stdout.on('data', chunk => (output = (output + String(chunk)).slice(-4000)))
    started.stderr.on('data', chunk => (output = (output + String(chunk)).slice(-4000)))
    let failure: string | undefined
    started.on('error', error => (failure = error.message))
    server = started
    const deadline = Date.now() + START_TIMEOUT_MS
    const until = async (ready: () => Promise<boolean>): Promise<void> => {
      while (!(await ready())) {
        if (failure !== undefined || !running(started) || Date.now() > deadline) {
          await end()
          throw new Error(`rabbitmq-server did not start on port ${ports.amqp}: ${failure ?? output}`)
        }
        await sleep(50)
      }
    }
    await until(() => answers(ports.amqp))
    acceptsSinceMs = Date.now()
    await until(() => managementAnswers(ports.management))
  }

  const end = async (): Promise<void> => {
    const ending = server
    server = undefined
    await killed(ending)
  }

  const endAll = async (): Promise<void> => {
    await end()
    await killed(portMapper)
    portMapper = undefined
    process.off('exit', endWithUs)
    await rm(folder, { recursive: true, force: true })
  }

  for (let attempt = 1; ; attempt++) {
    try {
      await launch()
      break
    } catch (error) {
      // Somebody else may have taken a port between our look and the server's bind.
      await killed(portMapper)
      if (attempt === PORT_ATTEMPTS) {
        await endAll()
        throw error
      }
      ports = await freePorts()
    }
  }

  const managementUrl = `http://127.0.0.1:${ports.management}`
  const api = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${managementUrl}/api/${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  return {
    url: `amqp://guest:guest@127.0.0.1:${ports.amqp}`,
    port: ports.amqp,
    tlsPort: options.tls === undefined ? 0 : ports.tls,
    managementUrl,
    get pid() {
      return server?.pid ?? 0
    },
    get acceptsSinceMs() {
      return acceptsSinceMs
    },
    api,
    async createVhost(name) {
      await api('PUT', `vhosts/${encodeURIComponent(name)}`)
      await api('PUT', `permissions/${encodeURIComponent(name)}/guest`, {
        configure: '.*',
        write: '.*',
        read: '.*',
      })
      return `amqp://guest:guest@127.0.0.1:${ports.amqp}/${encodeURIComponent(name)}`
    },
    async queues(vhost) {
      const queues = await api('GET', `queues/${encodeURIComponent(vhost)}?columns=name`)
      return (queues as { name: string }[]).map(({ name }) => name).sort()
    },
    async ctl(...args) {
      const all = ['-n', `celeriac${ports.amqp}@localhost`, ...args]
      const { stdout } = await promisify(execFile)(script('rabbitmqctl'), all, { env: environment() })
      return stdout
    },
    kill: end,
    async restart() {
      await end()
      await launch()
    },
    pause() {
      server?.kill('SIGSTOP')
    },
    resume() {
      server?.kill('SIGCONT')
    },
    stop: endAll,
  }
}

interface Ports {
  readonly amqp: number
  readonly tls: number
  readonly management: number
  readonly dist: number
  readonly epmd: number
}

async function freePorts(): Promise<Ports> {
  const [amqp, tls, management, dist, epmd] = await Promise.all(Array.from({ length: 5 }, freePort))
  return { amqp: amqp ?? 0, tls: tls ?? 0, management: management ?? 0, dist: dist ?? 0, epmd: epmd ?? 0 }
}

function configText(ports: Ports, { config = [], tls }: RabbitmqOptions): string {
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    'log.console = true',
    'log.console.level = warning',
  ]
  if (tls !== undefined) {
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${ports.tls}`,
      `ssl_options.cacertfile = ${tls.ca}`,
      `ssl_options.certfile = ${tls.cert}`,
      `ssl_options.keyfile = ${tls.key}`,
      `ssl_options.verify = ${tls.verifyPeer === true ? 'verify_peer' : 'verify_none'}`,
      `ssl_options.fail_if_no_peer_cert = ${tls.verifyPeer === true}`,
    )
  }
  return `${[...lines, ...config].join('\n')}\n`
}

/** True as soon as a server on the port answers the protocol header with `connection.start`. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    const finish = (ok: boolean): void => {
      socket.destroy()
      resolve(ok)
    }
    socket.setTimeout(2000, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.write(Buffer.from('AMQP\u0000\u0000\u0009\u0001', 'latin1')))
    socket.once('data', data => finish(data[0] === 1))
  })
}

async function managementAnswers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/vhosts`, {
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
      signal: AbortSignal.timeout(2000),
    })
    return response.ok
  } catch {
    return false
  }
}
