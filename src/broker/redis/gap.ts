import type { EventGap } from '../broker.ts'

/** What is known of a subscription at its end. Times are epoch ms on our clock. */
export interface LostSubscription {
  /** `closed`: by the server or the network; `silent`: nothing came any more; `given up`: by us, since another connection was lost. */
  readonly how: 'closed' | 'silent' | 'given up'
  readonly lostMs: number
  /** When anything came last. */
  readonly lastHeardMs: number
  /** Everything published before has been heard: when the last PING that was answered went out. */
  readonly vouchedMs: number
  /** What has come since that answer. */
  readonly unvouchedBytes: number
}

/** Which run of which server, and how many clients it has cut off for the size of their output; null where INFO does not say. */
export interface ServerMark {
  readonly runId: string | null
  /** `client_output_buffer_limit_disconnections`, which newer servers count. */
  readonly cutOffs: number | null
}

/** A PING is due every second, so an answer older than this means that we, the network or the server are behind. */
const BEHIND_MS = 2_500
/** What fits into the buffers of the sockets comes before the server's own buffer fills: 128 kB on Linux when nobody reads. */
const SOCKET_BUFFER_BYTES = 32 * 1024
/** So much in less than a second is a flood, in which no PING may have been on its way. */
const FLOOD_BYTES = 4 * 1024 * 1024

/**
 * The gap that ended at `toMs`, when everything was heard again. It began when the subscription was lost; earlier when we were
 * behind, because what had been published and not yet delivered went with it.
 *
 * Redis closes the connection of a subscriber that is too slow without a word (`client-output-buffer-limit pubsub`). A newer
 * server counts what it cuts off, and the count decides. An older one does not, and then it is a cut-off when the server itself
 * goes on, only the subscription was closed, and we were behind with more than fits into the buffers of sockets.
 */
export function gapOf(lost: LostSubscription, before: ServerMark, after: ServerMark, toMs: number): EventGap {
  const isBehind = lost.lostMs - lost.vouchedMs > BEHIND_MS
  const isCutOff = lost.how === 'closed' && wasCutOff(lost, isBehind, before, after)
  const behindSinceMs = lost.how === 'closed' ? lost.vouchedMs : lost.lastHeardMs
  const fromMs = isCutOff ? lost.vouchedMs : isBehind ? behindSinceMs : lost.lostMs
  return { reason: isCutOff ? 'cut_off' : 'connection_lost', fromMs: Math.min(fromMs, toMs), toMs }
}

function wasCutOff(
  lost: LostSubscription,
  isBehind: boolean,
  before: ServerMark,
  after: ServerMark,
): boolean {
  if (before.runId !== after.runId) return false
  if (before.cutOffs !== null && after.cutOffs !== null) return after.cutOffs > before.cutOffs
  return before.runId !== null && lost.unvouchedBytes >= (isBehind ? SOCKET_BUFFER_BYTES : FLOOD_BYTES)
}
