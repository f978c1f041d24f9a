/** Host and port of `host:port` or `[host]:port`; undefined when the text is neither (Go `net.SplitHostPort`). */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const bracketed = /^\[([^[\]]*)\]:([^[\]:]*)$/.exec(text)
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2] ?? '' }
  const plain = /^([^[\]:]*):([^[\]:]*)$/.exec(text)
  return plain === null ? undefined : { host: plain[1] ?? '', port: plain[2] ?? '' }
}

export const joinHostPort = (host: string, port: string): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** Whether the text is an IPv4 or IPv6 address (Go `net.ParseIP`). */
export function isAddress(text: string): boolean {
  if (isVersion4(text)) return true
  if (!text.includes(':')) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [h, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [i, part] of parts.entries()) {
      const isLast = h === halves.length - 1 && i === parts.length - 1
      if (isLast && isVersion4(part)) groups += 2
      else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++
      else return false
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}

const isVersion4 = (text: string): boolean => {
  const parts = text.split('.')
  return parts.length === 4 && parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}
