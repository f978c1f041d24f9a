import { ConnectionTimeoutError, ErrorReply, SocketTimeoutError } from '@redis/client'
import { CeleriacError, errorText } from '../../base/index.ts'
import {
  cleanText,
  credentialsRefused,
  ended,
  networkError,
  silent,
  type Trouble,
} from '../network-errors.ts'
import { SilenceError } from '../silence.ts'
import type { RedisTarget } from '../url.ts'

const START_HINT = 'Check host and port of the broker URL, and that the server runs.'

/**
 * What went wrong with a Redis, in words for the person who runs Celeriac: address (redacted), what happened, what to do. The
 * password is cut out even of texts that the server sends back. `wasConnected` tells a loss from a failed attempt.
 */
export function redisError(error: unknown, target: RedisTarget, wasConnected: boolean): CeleriacError {
  if (error instanceof CeleriacError) return error
  const { address } = target
  const trouble: Trouble = { address, wasConnected }
  const make = (
    code: 'BROKER_UNREACHABLE' | 'BROKER_AUTH' | 'BROKER_REFUSED' | 'BROKER_LOST',
    message: string,
    hint: string,
  ) =>
    // No cause: the client's errors may hold commands, and commands hold the password.
    new CeleriacError(code, message, { hint })
  const text = errorText(error)

  if (/^WRONGPASS|invalid password|invalid username-password/i.test(text)) return credentialsRefused(trouble)
  if (text.startsWith('NOAUTH')) {
    return make(
      'BROKER_AUTH',
      `The broker ${address} wants a password and the URL has none.`,
      'Write it as redis://:password@host:6379/0.',
    )
  }
  if (/AUTH.*without any password|no password is set/i.test(text)) {
    return make(
      'BROKER_AUTH',
      `The broker ${address} has no password, and the URL gives one.`,
      'Remove the password from the URL, or set one on the server (requirepass).',
    )
  }
  if (text.startsWith('NOPERM')) {
    return make(
      'BROKER_REFUSED',
      `The broker ${address} does not permit a command: ${cleanText(text, target.password)}.`,
      'What a user must be allowed stands in docs/redis.md.',
    )
  }
  if (/^LOADING|^BUSY|^MASTERDOWN/.test(text)) {
    return make(
      'BROKER_REFUSED',
      `The broker ${address} is not ready: ${cleanText(text, target.password)}.`,
      'It is asked again.',
    )
  }
  if (/DB index is out of range|invalid DB index/i.test(text)) {
    return make(
      'BROKER_REFUSED',
      `The broker ${address} has no database ${target.database}.`,
      'Check the number at the end of the broker URL.',
    )
  }
  const byNetwork = networkError(error, trouble, { unreachable: START_HINT, tls: tlsHint })
  if (byNetwork !== undefined) return byNetwork
  // A Redis without TLS waits for the rest of what it takes for a command.
  if (isTimeout(error))
    return silent(
      trouble,
      target.tls === undefined ? START_HINT : `${START_HINT} Without TLS on the server, write redis://.`,
    )
  if (/Unknown RESP type/.test(text))
    return make('BROKER_UNREACHABLE', `What listens at ${address} does not speak Redis.`, START_HINT)
  if (isReply(error))
    return make(
      'BROKER_REFUSED',
      `The broker ${address} answers: ${cleanText(text, target.password)}.`,
      'See its log.',
    )
  // A server that wants a certificate of ours may close the connection before its alert is heard.
  return ended(
    trouble,
    target.tls === undefined
      ? 'Check that it is a Redis, and whether it wants TLS (rediss://).'
      : 'Check that it is a Redis, and whether it wants a client certificate (ssl_certfile).',
  )
}

function tlsHint(code: string): string {
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA$/.test(code))
    return 'The server wants a certificate of ours that it knows: ssl_certfile and ssl_keyfile in the URL.'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'Its certificate is for another host; with ssl_check_hostname=false in the URL that is accepted.'
  return 'Check rediss:// against redis://, and ssl_ca_certs and ssl_cert_reqs in the URL.'
}

/** True for what the server itself answered, as against what befell the connection. */
export const isReply = (error: unknown): boolean => error instanceof ErrorReply

const isTimeout = (error: unknown): boolean =>
  error instanceof ConnectionTimeoutError ||
  error instanceof SocketTimeoutError ||
  error instanceof SilenceError
