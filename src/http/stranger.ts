import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/

/**
 * Whether a request may come from elsewhere: over the network, or through a proxy on this machine, which says so in a header. Strangers
 * are told how things are, not what hosts are called (guide-flaw 75).
 */
export function isStranger(c: Context): boolean {
  if (c.req.header('forwarded') !== undefined || c.req.header('x-forwarded-for') !== undefined) return true
  const { address } = getConnInfo(c).remote
  return address === undefined || !LOOPBACK.test(address)
}
