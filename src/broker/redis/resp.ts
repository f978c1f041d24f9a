import { isAscii } from 'node:buffer'
import { ErrorReply } from '@redis/client'

/** A reply of RESP2 (Redis' serialization protocol, version 2). */
export type RespValue = string | number | null | ErrorReply | readonly RespValue[]

/** Published text longer than this is cut to it: whoever decodes refuses it anyway, and the server lets it be 512 MB. */
export const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024
/** Other replies are short; a longer one is no Redis. */
const MAX_REPLY_BYTES = 1024 * 1024
const MAX_DEPTH = 8
const MAX_ELEMENTS = 100_000

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const DOLLAR = 36
const STAR = 42
const PLUS = 43
const MINUS = 45
const COLON = 58

const MESSAGE_HEAD = Buffer.from('*4\r\n$8\r\npmessage\r\n')

/** What was sent is not RESP2. */
export class ProtocolError extends Error {}

/**
 * Reads the replies of one connection from its bytes, however they are cut. Messages of PSUBSCRIBE, which are nearly all, go to
 * `message` as their text and channel, the rest to `reply`; both in the order of the wire. A message is decoded once and not looked at.
 * What is incomplete is kept, and looked at again when enough has come, so that a long message is not copied for each piece.
 * `feed` throws ProtocolError, after which the reader is done for.
 */
export class RespReader {
  readonly #message: (payload: string, channel: string) => void
  readonly #reply: (value: RespValue) => void
  /** What begins with an incomplete reply: pieces in order, and their bytes. */
  #pieces: Buffer[] = []
  #held = 0
  /** At least so many bytes are needed to go on. */
  #needed = 0
  /** Of a text that was cut: how much is still to come, and what is kept. */
  #skip = 0
  #kept: Buffer | undefined
  #ascii = true
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  /** Of the last message. A fleet has a dozen channels, so that most messages come on that of the one before. */
  #channel = ''
  #channelBytes: Buffer = Buffer.alloc(0)

  constructor(message: (payload: string, channel: string) => void, reply: (value: RespValue) => void) {
    this.#message = message
    this.#reply = reply
  }

  feed(chunk: Buffer): void {
    if (this.#held === 0) this.#buffer = chunk
    else {
      this.#pieces.push(chunk)
      this.#held += chunk.length
      if (this.#held < this.#needed) return
      this.#buffer = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#held)
    }
    this.#at = 0
    // One look at all bytes saves decoding each text as UTF-8: Python escapes what is beyond ASCII.
    this.#ascii = isAscii(this.#buffer)
    this.#pieces = []
    this.#held = 0
    this.#readAll()
  }

  #readAll(): void {
    for (;;) {
      if (this.#skip > 0 && !this.#skipped()) return
      const start = this.#at
      if (start >= this.#buffer.length) return
      this.#needed = 0
      const complete = this.#isMessage() ? this.#readMessage() : this.#readReply()
      if (complete) continue
      const rest = this.#buffer.subarray(start)
      this.#pieces = [rest]
      this.#held = rest.length
      this.#needed = Math.max(this.#needed - start, rest.length + 1)
      return
    }
  }

  /** Passes over the rest of a text that was cut; true when it is over. */
  #skipped(): boolean {
    const here = Math.min(this.#skip, this.#buffer.length - this.#at)
    this.#skip -= here
    this.#at += here
    if (this.#skip > 0) return false
    const kept = this.#kept
    this.#kept = undefined
    if (kept !== undefined) this.#message(kept.toString('utf8'), this.#channel)
    return true
  }

  #isMessage(): boolean {
    for (let i = 0; i < MESSAGE_HEAD.length; i++)
      if (this.#buffer[this.#at + i] !== MESSAGE_HEAD[i]) return false
    return true
  }

  /** False when it is not complete yet. */
  #readMessage(): boolean {
    this.#at += MESSAGE_HEAD.length
    if (!this.#passBulk()) return false
    const channelLength = this.#readLength(DOLLAR)
    if (channelLength === undefined) return false
    const channelStart = this.#at
    this.#at += channelLength + 2
    if (!this.#has(this.#at)) return false
    this.#readChannel(channelStart, channelStart + channelLength)
    const length = this.#readLength(DOLLAR)
    if (length === undefined) return false
    const start = this.#at
    if (length > MAX_PAYLOAD_BYTES) {
      if (!this.#has(start + MAX_PAYLOAD_BYTES)) return false
      this.#kept = Buffer.from(this.#buffer.subarray(start, start + MAX_PAYLOAD_BYTES))
      this.#at = start + MAX_PAYLOAD_BYTES
      this.#skip = length + 2 - MAX_PAYLOAD_BYTES
      return true
    }
    if (!this.#has(start + length + 2)) return false
    this.#at = start + length + 2
    this.#message(this.#text(start, start + length), this.#channel)
    return true
  }

  #readChannel(start: number, end: number): void {
    const last = this.#channelBytes
    let same = last.length === end - start
    for (let i = 0; same && i < last.length; i++) same = this.#buffer[start + i] === last[i]
    if (same) return
    this.#channelBytes = Buffer.from(this.#buffer.subarray(start, end))
    this.#channel = this.#text(start, end)
  }

  #passBulk(): boolean {
    const length = this.#readLength(DOLLAR)
    if (length === undefined) return false
    this.#at += length + 2
    return this.#has(this.#at)
  }

  #readReply(): boolean {
    const value = this.#readValue(0)
    if (value === undefined) return false
    this.#reply(value)
    return true
  }

  /** Undefined when it is not complete yet. */
  #readValue(depth: number): RespValue | undefined {
    const type = this.#buffer[this.#at]
    if (type === undefined) return this.#wait(this.#at + 1)
    switch (type) {
      case PLUS:
        return this.#readLine()
      case MINUS: {
        const line = this.#readLine()
        return line === undefined ? undefined : new ErrorReply(line)
      }
      case COLON: {
        const line = this.#readLine()
        return line === undefined ? undefined : Number(line)
      }
      case DOLLAR: {
        const length = this.#readLength(DOLLAR, true)
        if (length === undefined) return undefined
        if (length === -1) return null
        if (length > MAX_REPLY_BYTES) throw new ProtocolError(`A reply of ${length} bytes was not expected`)
        const start = this.#at
        if (!this.#has(start + length + 2)) return undefined
        this.#at = start + length + 2
        return this.#text(start, start + length)
      }
      case STAR:
        return this.#readList(depth)
      default:
        throw new ProtocolError(`Unknown RESP type ${JSON.stringify(String.fromCharCode(type))}`)
    }
  }

  #readList(depth: number): RespValue | undefined {
    const length = this.#readLength(STAR, true)
    if (length === undefined) return undefined
    if (length === -1) return null
    if (length > MAX_ELEMENTS || depth >= MAX_DEPTH)
      throw new ProtocolError('A reply was not expected to be so large')
    const values: RespValue[] = []
    while (values.length < length) {
      const value = this.#readValue(depth + 1)
      if (value === undefined) return undefined
      values.push(value)
    }
    return values
  }

  /** The number of a line such as `$12`; undefined when the line is not complete yet. */
  #readLength(type: number, mayBeNull = false): number | undefined {
    const first = this.#buffer[this.#at]
    if (first === undefined) return this.#wait(this.#at + 1)
    if (first !== type)
      throw new ProtocolError(`Unknown RESP type ${JSON.stringify(String.fromCharCode(first))}`)
    let at = this.#at + 1
    let length = 0
    let code = this.#buffer[at]
    while (code !== undefined && code >= 48 && code <= 57 && length <= 1e12) {
      length = length * 10 + code - 48
      code = this.#buffer[++at]
    }
    if (code === CARRIAGE_RETURN && at > this.#at + 1) {
      if (at + 1 >= this.#buffer.length) return this.#wait(at + 2)
      this.#at = at + 2
      return length
    }
    if (code === undefined) return this.#wait(at + 1)
    const line = this.#readLine()
    if (line === undefined) return undefined
    if (mayBeNull && line === '-1') return -1
    throw new ProtocolError('A length was expected')
  }

  /** The text of a line after its type; undefined when the line is not complete yet. */
  #readLine(): string | undefined {
    const end = this.#buffer.indexOf(LINE_FEED, this.#at)
    if (end < 0) {
      if (this.#buffer.length - this.#at > MAX_REPLY_BYTES)
        throw new ProtocolError('A line was expected to end')
      return this.#wait(this.#buffer.length + 1)
    }
    const line = this.#text(this.#at + 1, end - 1)
    this.#at = end + 1
    return line
  }

  #text(start: number, end: number): string {
    return this.#buffer.toString(this.#ascii ? 'latin1' : 'utf8', start, end)
  }

  #has(end: number): boolean {
    if (end <= this.#buffer.length) return true
    this.#wait(end)
    return false
  }

  #wait(end: number): undefined {
    this.#needed = end
    return undefined
  }
}

/** A command as a client sends it. */
export function encodeCommand(parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map(part => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`
}
