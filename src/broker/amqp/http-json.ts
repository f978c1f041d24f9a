import {
  Agent as HttpAgent,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { CeleriacError, errorText } from '../../base/index.ts'
import { cleanText, codeOf, isTlsCode, unreachable } from '../network-errors.ts'
import { tlsSocketOptions } from '../tls.ts'
import type { ManagementTarget } from './management-url.ts'

const TIMEOUT_MS = 3_000
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024

export interface HttpJson {
  /** GET of a path below `/api/`. Rejects with a CeleriacError; never holds more than 4 MiB, never takes more than 3 s. */
  get(path: string): Promise<unknown>
  close(): void
}

/** A client of the management API that keeps its connection. */
export function createHttpJson(target: ManagementTarget): HttpJson {
  const agentOptions = { keepAlive: true, maxSockets: 1, timeout: TIMEOUT_MS }
  const agent = target.tls === undefined ? new HttpAgent(agentOptions) : new HttpsAgent(agentOptions)
  const fixed: RequestOptions = {
    host: target.host,
    port: target.port,
    agent,
    // Not in the URL, which errors print.
    auth: `${target.username}:${target.password.reveal()}`,
    headers: { accept: 'application/json', 'user-agent': 'celeriac' },
    ...(target.tls === undefined ? {} : tlsSocketOptions(target.tls, target.host)),
  }
  return {
    close: () => agent.destroy(),
    get(path) {
      return new Promise((resolve, reject) => {
        const fail = (error: unknown): void => reject(httpError(error, target))
        const signal = AbortSignal.timeout(TIMEOUT_MS)
        const options = { ...fixed, path: `${target.prefix}/api/${path}`, signal }
        const send = target.tls === undefined ? httpRequest : httpsRequest
        const request = send(options, response => {
          readJson(response, target).then(resolve, fail)
        })
        request.on('error', error => fail(signal.aborted ? new TimeoutError() : error))
        request.end()
      })
    },
  }
}

class TimeoutError extends Error {}

async function readJson(response: IncomingMessage, target: ManagementTarget): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_RESPONSE_BYTES) {
      response.destroy()
      throw refused(target, `its answer is longer than ${MAX_RESPONSE_BYTES / 1024 / 1024} MiB`)
    }
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  const status = response.statusCode ?? 0
  if (status === 401 || status === 403) {
    throw new CeleriacError(
      'BROKER_AUTH',
      `The management API at ${target.address} refuses the user ${JSON.stringify(target.username)} (${status}).`,
      {
        hint: 'Check its password, and give it the tag monitoring: rabbitmqctl set_user_tags USER monitoring.',
      },
    )
  }
  if (status === 404) throw refused(target, 'it answers 404', 'Check the URL and the vhost.')
  if (status !== 200) throw refused(target, `it answers ${status}: ${cleanText(text, target.password)}`)
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw refused(target, 'its answer is no JSON', 'Check that the URL is that of the management plugin.')
  }
}

const refused = (target: ManagementTarget, why: string, hint = 'See the log of the broker.'): CeleriacError =>
  new CeleriacError('BROKER_REFUSED', `The management API at ${target.address} cannot be used: ${why}.`, {
    hint,
  })

function httpError(error: unknown, target: ManagementTarget): CeleriacError {
  if (error instanceof CeleriacError) return error
  const code = codeOf(error)
  const why =
    error instanceof TimeoutError || (error instanceof Error && error.name === 'AbortError')
      ? 'It does not answer in time'
      : isTlsCode(code)
        ? `We do not agree on TLS (${code})`
        : (unreachable(code) ?? cleanText(errorText(error), target.password))
  return new CeleriacError(
    'BROKER_UNREACHABLE',
    `The management API at ${target.address} cannot be reached. ${why}.`,
    { hint: 'Check the management URL, and that the management plugin is on.' },
  )
}
