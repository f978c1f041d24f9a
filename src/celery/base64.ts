const UTF8 = new TextDecoder()
const UTF8_ENCODER = new TextEncoder()

const SCRATCH = new Uint8Array(16_384)

// eslint-disable-next-line no-control-regex
const BEYOND_ASCII = /[^\u0000-\u007f]/

/** The bytes that base64 text stands for, one character a byte; undefined when it is not base64. */
export function decodeBase64Bytes(text: string): string | undefined {
  try {
    return atob(text)
  } catch {
    return undefined
  }
}

/** The UTF-8 text that base64 text stands for; undefined when it is not base64. Broken UTF-8 becomes U+FFFD. */
export function decodeBase64Text(text: string): string | undefined {
  const bytes = decodeBase64Bytes(text)
  // Celery's JSON is nearly always pure ASCII, of which byte string and text are the same thing.
  if (bytes === undefined || isAscii(bytes)) return bytes
  return UTF8.decode(Uint8Array.from(bytes, byte => byte.charCodeAt(0)))
}

/** As UTF-8, ASCII is as long as it is in characters; writing a short text costs a quarter of looking through it. */
function isAscii(text: string): boolean {
  if (text.length > SCRATCH.length) return !BEYOND_ASCII.test(text)
  const { read, written } = UTF8_ENCODER.encodeInto(text, SCRATCH)
  return read === text.length && written === text.length
}

/** Base64 of the text's UTF-8. */
export function encodeBase64Text(text: string): string {
  if (!BEYOND_ASCII.test(text)) return btoa(text)
  let bytes = ''
  for (const byte of UTF8_ENCODER.encode(text)) bytes += String.fromCharCode(byte)
  return btoa(bytes)
}
