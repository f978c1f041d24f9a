import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createGzip, gzip } from 'node:zlib'

/** Bytes written without a pause, a few milliseconds of work: ten thousand series in one answer, larger ones in turns. */
const AT_ONCE = 2 * 1024 * 1024
/** Characters. */
const A_TURN = 256 * 1024
/** UTF-8 takes at most so many bytes for one of JavaScript's characters. */
const BYTES_A_CHARACTER = 3
/** Measured: 3 times cheaper than level 6. */
const GZIP = { level: 1 } as const

/**
 * Where a usual exposition is written, piece by piece, and compressed from: a new string and a new buffer of a megabyte for every
 * scrape would have the collector walk the old space every two seconds (measured). Kept for the next one; scrapes are seldom at once.
 */
let scratch: Buffer | undefined

/** Lets timers, sockets and events have their turn between two pieces: an exposition of 78 MB must not block for 50 ms. */
async function* polite(first: Buffer, pieces: Iterator<string>): AsyncGenerator<Buffer | string> {
  yield first
  let text = ''
  for (let step = pieces.next(); step.done !== true; step = pieces.next()) {
    text += step.value
    if (text.length < A_TURN) continue
    await new Promise(setImmediate)
    yield text
    text = ''
  }
  if (text !== '') yield text
}

/** Sends an exposition, compressed when the client takes gzip: a usual one at once, a large one in turns, never gathered whole. */
export async function sendExposition(
  chunks: Iterable<string>,
  contentType: string,
  acceptEncoding: string | undefined,
): Promise<Response> {
  const zipped = /\bgzip\b/.test(acceptEncoding ?? '')
  const headers = {
    'content-type': contentType,
    vary: 'accept, accept-encoding',
    ...(zipped ? { 'content-encoding': 'gzip' } : {}),
  }
  const pieces = chunks[Symbol.iterator]()
  const room = scratch ?? Buffer.allocUnsafeSlow(AT_ONCE)
  scratch = undefined
  try {
    let length = 0
    let tooLarge: string | undefined
    for (let step = pieces.next(); step.done !== true; step = pieces.next()) {
      if (length + step.value.length * BYTES_A_CHARACTER > AT_ONCE) {
        tooLarge = step.value
        break
      }
      length += room.write(step.value, length)
    }
    const text = room.subarray(0, length)
    if (tooLarge === undefined)
      return new Response(zipped ? await promisify(gzip)(text, GZIP) : Buffer.from(text), { headers })
    const first = Buffer.concat([text, Buffer.from(tooLarge)])
    const stream = Readable.from(polite(first, pieces), { objectMode: false })
    const body = zipped ? stream.pipe(createGzip(GZIP)) : stream
    return new Response(Readable.toWeb(body) as ReadableStream, { headers })
  } finally {
    scratch = room
  }
}
