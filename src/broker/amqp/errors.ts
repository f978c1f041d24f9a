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
import type { AmqpTarget } from '../url.ts'

/** AMQP's reply codes that are told apart (AMQP 0-9-1 section 1.1, `constants`). */
export const REPLY = {
  connectionForced: 320,
  accessRefused: 403,
  notFound: 404,
  resourceLocked: 405,
  preconditionFailed: 406,
} as const

const START_HINT = 'Check host and port of the broker URL (5672, or 5671 with TLS), and that the server runs.'

const TLS_HINT =
  'Check amqps:// against amqp://, and ssl_ca_certs, ssl_certfile and ssl_cert_reqs in the URL.'

const PERMISSIONS_HINT =
  'Allow the user to configure, write and read celeriac.*, to read celeryev, and to write celery.pidbox and amq.default.'

/** The reply code the server gave when it closed a channel or a connection; undefined for everything else. */
export const replyCode = (error: unknown): number | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined

/**
 * What went wrong with a RabbitMQ, in words for the person who runs Celeriac: address (redacted), what happened, what to do. The
 * password is cut out even of texts that the server sends back. `wasConnected` tells a loss from a failed attempt. The client
 * names some failures of its handshake only by text (amqplib `lib/connection.js`).
 */
export function amqpError(error: unknown, target: AmqpTarget, wasConnected: boolean): CeleriacError {
  if (error instanceof CeleriacError) return error
  const { address } = target
  const trouble: Trouble = { address, wasConnected }
  const make = (
    code: 'BROKER_UNREACHABLE' | 'BROKER_AUTH' | 'BROKER_REFUSED' | 'BROKER_LOST',
    message: string,
    hint: string,
  ) => new CeleriacError(code, message, { hint })
  const text = errorText(error)
  const said = cleanText(/with message "([\s\S]*)"$/.exec(text)?.[1] ?? text, target.password)

  if (text.startsWith('Handshake terminated by server: 403')) {
    return target.username === 'guest'
      ? credentialsRefused(
          trouble,
          'Check the credentials in the broker URL; RabbitMQ lets guest in from its own machine only.',
        )
      : credentialsRefused(trouble)
  }
  if (text.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) {
    return make(
      'BROKER_REFUSED',
      `The broker ${address} does not let the user ${JSON.stringify(target.username)} use the vhost ${JSON.stringify(target.vhost)}.`,
      'Check that the vhost exists (the path of the URL names it) and that the user has permissions there; a limit of connections refuses too.',
    )
  }
  if (text.startsWith('SASL mechanism')) {
    return make(
      'BROKER_AUTH',
      `The broker ${address} takes no password (SASL PLAIN is off).`,
      'Enable PLAIN in auth_mechanisms.',
    )
  }
  const reply = replyCode(error)
  if (reply === REPLY.accessRefused)
    return make('BROKER_REFUSED', `The broker ${address} does not permit it: ${said}.`, PERMISSIONS_HINT)
  if (reply === REPLY.connectionForced)
    return make('BROKER_LOST', `The broker ${address} ends the connection: ${said}.`, 'It is opened again.')
  if (reply !== undefined || text.startsWith('Handshake terminated by server'))
    return make('BROKER_REFUSED', `The broker ${address} answers: ${said}.`, 'See its log.')
  const byNetwork = networkError(error, trouble, { unreachable: START_HINT, tls: () => TLS_HINT })
  if (byNetwork !== undefined) return byNetwork
  if (error instanceof SilenceError || /^connect ETIMEDOUT$|^Heartbeat timeout/.test(text))
    return silent(trouble, START_HINT)
  if (/^(Frame size \d+ exceeds|Invalid frame|Unknown frame type|Frame on channel != 0)/.test(text))
    return make('BROKER_UNREACHABLE', `What listens at ${address} does not speak AMQP 0-9-1.`, START_HINT)
  return ended(
    trouble,
    'Check that it is a RabbitMQ, and whether it wants TLS (amqps://) or a client certificate (ssl_certfile).',
  )
}
