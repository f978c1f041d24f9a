import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

/** Lets timers, sockets and events have their turn between two chunks: an exposition of 78 MB must not block for 50 ms. */
async function* polite(chunks: Iterable<string>): AsyncGenerator<string> {
  for (const chunk of chunks) {
    yield chunk
    await new Promise(setImmediate)
  }
}

/** Streams an exposition, compressed at level 1 when the client takes gzip (measured: 3 times cheaper than level 6). */
export function streamExposition(
  chunks: Iterable<string>,
  contentType: string,
  acceptEncoding: string | undefined,
): Response {
  const text = Readable.from(polite(chunks), { objectMode: false })
  const gzip = /\bgzip\b/.test(acceptEncoding ?? '')
  const body = gzip ? text.pipe(createGzip({ level: 1 })) : text
  return new Response(Readable.toWeb(body) as ReadableStream, {
    headers: {
      'content-type': contentType,
      vary: 'accept, accept-encoding',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    },
  })
}
