import { CeleriacError, type Clock, errorText } from '../../base/index.ts'
import { codeOf, isTlsCode, unreachable } from '../network-errors.ts'
import { SilenceError } from '../silence.ts'
import type { SentinelOptions } from '../transport-options.ts'
import type { HostAndPort } from '../url-parts.ts'
import { RespSocket } from './resp-socket.ts'
import type { RespValue } from './resp.ts'

/** A sentinel that has not answered by then is passed over. */
const ANSWER_TIMEOUT_MS = 1_000

interface Answer extends HostAndPort {
  /** Grows with every failover: the highest is the newest. */
  readonly epoch: number
}

/**
 * Asks all sentinels at once where the master of the group is. As soon as more than half of them have answered, the newest answer
 * counts, so that one that hangs or was cut off from the others neither delays nor misleads. An answer does not count when the
 * sentinel takes the master for down or sees fewer other sentinels than `minOtherSentinels` (redis-py `sentinel.py`,
 * `check_master_state`). Rejects with BROKER_UNREACHABLE that says of each why it did not count.
 */
export async function resolveMaster(
  sentinels: readonly HostAndPort[],
  options: SentinelOptions,
  address: string,
  clock: Clock,
): Promise<HostAndPort> {
  const answers: Answer[] = []
  const failures: string[] = []
  await new Promise<void>(resolve => {
    const settled = (): void => {
      if (answers.length > sentinels.length / 2 || answers.length + failures.length === sentinels.length)
        resolve()
    }
    for (const sentinel of sentinels) {
      askSentinel(sentinel, options, clock)
        .then(
          answer => answers.push(answer),
          (error: unknown) => failures.push(`${sentinel.host}:${sentinel.port} ${reason(error, options)}`),
        )
        .finally(settled)
    }
  })
  const newest = answers.toSorted((a, b) => b.epoch - a.epoch)[0]
  if (newest !== undefined) return { host: newest.host, port: newest.port }
  throw new CeleriacError(
    'BROKER_UNREACHABLE',
    `No sentinel of ${address} names a master of ${JSON.stringify(options.masterName)}: ${failures.sort().join('; ')}.`,
    {
      hint: 'Check the addresses, the transport options master_name and sentinel_kwargs, and that the sentinels run.',
    },
  )
}

/** Why the answer of a sentinel does not count. */
class NoAnswer extends Error {}

async function askSentinel(at: HostAndPort, options: SentinelOptions, clock: Clock): Promise<Answer> {
  let cancel: () => void = () => {}
  let socket: RespSocket | undefined
  try {
    const lost = new Promise<never>((_, reject) => {
      cancel = clock.after(ANSWER_TIMEOUT_MS, () => reject(new SilenceError('no answer in time')))
      socket = new RespSocket({ at: { kind: 'tcp', ...at }, tls: options.tls, onLost: reject })
    })
    return await Promise.race([lost, ask(socket, options)])
  } finally {
    cancel()
    socket?.destroy()
  }
}

async function ask(socket: RespSocket | undefined, options: SentinelOptions): Promise<Answer> {
  if (socket === undefined) throw new NoAnswer('was not asked')
  await socket.connected()
  const { username, password } = options
  const login = [...(username === undefined ? [] : [username]), ...(password ? [password.reveal()] : [])]
  const [, , reply] = await Promise.all([
    password === undefined ? undefined : socket.ask('AUTH', ...login),
    // Sentinels before Redis 6.2 do not know it.
    socket.ask('CLIENT', 'SETNAME', 'celeriac-sentinel').catch(() => undefined),
    socket.ask('SENTINEL', 'MASTER', options.masterName),
  ])
  return masterOf(reply, options.minOtherSentinels)
}

/** Reads the reply to SENTINEL MASTER, which is a flat list of names and values. */
function masterOf(reply: RespValue, minOtherSentinels: number): Answer {
  const fields = new Map<string, string>()
  if (Array.isArray(reply))
    for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]))
  const host = fields.get('ip')
  const port = Number(fields.get('port'))
  if (!host || !Number.isInteger(port) || port < 1) throw new NoAnswer('answers something else')
  const flags = fields.get('flags')?.split(',') ?? []
  if (flags.includes('s_down') || flags.includes('o_down')) throw new NoAnswer('takes the master for down')
  const others = Number(fields.get('num-other-sentinels') ?? 0)
  if (others < minOtherSentinels)
    throw new NoAnswer(`sees ${others} other sentinels, and min_other_sentinels is ${minOtherSentinels}`)
  return { host, port, epoch: Number(fields.get('config-epoch') ?? 0) }
}

function reason(error: unknown, options: SentinelOptions): string {
  if (error instanceof NoAnswer) return error.message
  if (error instanceof CeleriacError) return error.message.replace(/\.$/, '')
  if (error instanceof SilenceError) return 'does not answer in time'
  const text = errorText(error)
  if (text.startsWith('ERR No such master')) return 'knows no such master'
  if (text.startsWith('NOAUTH')) return 'wants a password (sentinel_kwargs)'
  if (/^WRONGPASS|invalid password|without any password|no password is set/i.test(text))
    return 'refuses the password (sentinel_kwargs)'
  const code = codeOf(error)
  if (isTlsCode(code)) return `does not agree on TLS (${code})`
  const why = unreachable(code)
  if (why !== undefined) return `cannot be reached (${why.toLowerCase()})`
  return options.tls === undefined
    ? 'closes the connection; perhaps it wants TLS (sentinel_kwargs: ssl)'
    : 'closes the connection; perhaps it speaks no TLS'
}
