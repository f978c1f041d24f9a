import { CeleriacError, type Clock } from '../../base/index.ts'
import type { TransportOptions } from '../transport-options.ts'
import type { RedisPlace, RedisTarget } from '../url.ts'
import { resolveMaster } from './sentinel.ts'

/** A target of which it is known where it listens. */
export interface LocatedTarget extends RedisTarget {
  readonly at: RedisPlace
}

/** Finds out where the server listens now; before each connection, because a master moves. */
export type Locate = () => Promise<LocatedTarget>

/** Throws CONFIG_INVALID for sentinels without `master_name`. */
export function locator(target: RedisTarget, options: TransportOptions, clock: Clock): Locate {
  const { at } = target
  if (at.kind !== 'sentinel') {
    const located = { ...target, at }
    return () => Promise.resolve(located)
  }
  const { sentinel } = options
  if (sentinel?.masterName === undefined) {
    throw new CeleriacError(
      'CONFIG_INVALID',
      `The broker ${target.address} is found through sentinels, and the transport option "master_name" is missing.`,
      { hint: 'Give the name of the group that the sentinels watch, such as master_name=mymaster.' },
    )
  }
  const asked = { ...sentinel, masterName: sentinel.masterName }
  return async () => ({
    ...target,
    at: { kind: 'tcp', ...(await resolveMaster(at.sentinels, asked, target.address, clock)) },
  })
}
