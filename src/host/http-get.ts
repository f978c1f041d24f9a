import { readFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { errorText } from '../base/index.ts'

export interface GetRequest {
  /** http or https; user and password in it become basic authentication. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly tls?: GetTls | undefined
  /** For the whole of it, from connecting to the last byte. */
  readonly timeoutMs: number
  /** Of the text as it is after decompression. */
  readonly maxBytes: number
  /** Ends it early. */
  readonly signal: AbortSignal
}

/** Names of PEM files, read anew for each request since they are renewed on disk. */
export interface GetTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** False accepts any certificate. */
  readonly verify?: boolean | undefined
}

/** Why a GET gave nothing; the message is fit to print: it holds neither URL nor header. */
export class GetError extends Error {
  override readonly name = 'GetError'
}

/**
 * GETs a text and hands it over as it comes. `begin` is told the content type before anything else and returns what takes the pieces;
 * what that throws ends the request and is thrown on. Redirects are not followed: the new place would get the secrets meant for the
 * old one. Throws GetError for whatever goes wrong on the way.
 */
export async function getText(
  request: GetRequest,
  begin: (contentType: string) => (text: string) => void,
): Promise<void> {
  const timeout = AbortSignal.timeout(request.timeoutMs)
  const signal = AbortSignal.any([timeout, request.signal])
  const tls = await readTls(request.tls)
  /** What the taker threw: a pipeline that is ended by its last part may tell of an abort instead. */
  let thrown: unknown
  try {
    const response = await open(request, tls, signal)
    const { statusCode = 0, headers } = response
    if (statusCode !== 200) {
      response.destroy()
      const redirect = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : ''
      throw new GetError(`it answered HTTP ${statusCode}${redirect}`)
    }
    const take = begin(headers['content-type'] ?? '')
    const encoding = headers['content-encoding'] ?? 'identity'
    const sink = async (source: AsyncIterable<Buffer>): Promise<void> => {
      try {
        await decode(source, request.maxBytes, take)
      } catch (error) {
        thrown = error
        throw error
      }
    }
    if (encoding === 'gzip') await pipeline(response, createGunzip(), sink, { signal })
    else if (encoding === 'identity') await pipeline(response, sink, { signal })
    else {
      response.destroy()
      throw new GetError(
        `it answered in the encoding ${JSON.stringify(encoding.slice(0, 40))}; gzip was asked for`,
      )
    }
  } catch (error) {
    if (timeout.aborted)
      throw new GetError(`no complete answer within ${request.timeoutMs} ms`, { cause: error })
    const cause = thrown ?? error
    const code = codeOf(cause)
    if (code === undefined) throw cause
    throw new GetError(code, { cause })
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

async function readTls(tls: GetTls | undefined): Promise<https.RequestOptions> {
  if (tls === undefined) return {}
  const read = async (path: string | undefined): Promise<Buffer | undefined> => {
    if (path === undefined) return undefined
    try {
      return await readFile(path)
    } catch (error) {
      throw new GetError(`the file ${path} cannot be read: ${codeOf(error) ?? errorText(error)}`, {
        cause: error,
      })
    }
  }
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)])
  return { ca, cert, key, rejectUnauthorized: tls.verify ?? true }
}

function open(
  { url, headers }: GetRequest,
  tls: https.RequestOptions,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = {
      ...tls,
      headers: { 'accept-encoding': 'gzip', ...headers },
      signal,
      agent: false as const,
    }
    const request =
      url.protocol === 'https:' ? https.get(url, options, resolve) : http.get(url, options, resolve)
    request.on('error', reject)
  })
}

/** UTF-8; a character may lie across two pieces. */
async function decode(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder()
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new GetError(`its answer is longer than ${maxBytes} bytes`)
    take(decoder.decode(chunk, { stream: true }))
  }
  take(decoder.decode())
}
