/** One PUBLISH as Redis' protocol writes it (RESP2 arrays of bulk strings). */
export function writePublish(channel: string, payload: string): Buffer {
  const bytes = Buffer.byteLength(payload)
  return Buffer.from(
    `*3\r\n$7\r\nPUBLISH\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$${bytes}\r\n${payload}\r\n`,
  )
}
