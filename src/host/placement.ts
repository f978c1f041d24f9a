/**
 * What a cgroup path says about who runs a process: layouts of Docker, containerd, CRI-O, Podman, LXC, systemd-nspawn, Kubernetes
 * (with the systemd and the cgroupfs driver) and systemd. Pure.
 */

export interface Placement {
  /** `outside`: above what our own cgroup namespace shows, so that nothing can be read of it. */
  readonly kind: 'container' | 'pod' | 'unit' | 'session' | 'outside'
  /** Path of the cgroup that holds the container or unit as a whole; for a session the process' own. */
  readonly path: string
  /** The whole id of a container, its name where the path has one, the name of a unit; '' for others. */
  readonly name: string
}

/** `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>.scope`, `libpod-<id>.scope`, `<slice>:cri-containerd:<id>`, `<id>`. */
const CONTAINER = /(?:^|[-:])([0-9a-f]{64})(?:\.scope)?$/
/** The monitors of Podman and CRI-O stand beside their containers and carry the same id. */
const MONITOR = /conmon-/
/** LXC and LXD; systemd-nspawn. */
const NAMED = /^(?:lxc\.payload\.(.+)|machine-(.+)\.scope)$/
const SESSION = /^(session-.*|init)\.scope$/
const UNIT = /^(?!user@)(.+\.service)$/

/** systemd writes bytes that a unit name may not hold as `\x2d`. */
const unescapeUnit = (name: string): string =>
  name.replace(/\\x([0-9a-f]{2})/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)))

/** The innermost container or unit on the path; a session when there is none. */
export function placementOf(path: string): Placement {
  const segments = path.split('/').slice(1)
  if (segments[0] === '..') return { kind: 'outside', path, name: '' }
  let inSession = false
  for (let depth = segments.length; depth > 0; depth--) {
    const segment = segments[depth - 1] ?? ''
    const upTo = `/${segments.slice(0, depth).join('/')}`
    const id = MONITOR.test(segment) ? undefined : CONTAINER.exec(segment)?.[1]
    if (id !== undefined) {
      const inPod = segments.slice(0, depth).some(each => each.includes('kubepods'))
      return { kind: inPod ? 'pod' : 'container', path: upTo, name: id }
    }
    const [, lxc, machine] = NAMED.exec(segment) ?? []
    const named = lxc ?? machine
    if (named !== undefined) return { kind: 'container', path: upTo, name: unescapeUnit(named) }
    // What lies in a session is the session's, though the service of a user manager stands above.
    inSession ||= SESSION.test(segment)
    const unit = UNIT.exec(segment)?.[1]
    if (unit !== undefined && !inSession) return { kind: 'unit', path: upTo, name: unescapeUnit(unit) }
  }
  return { kind: 'session', path, name: '' }
}

/** A path and all above it, the root last: where limits may stand. */
export function pathsUpwards(path: string): readonly string[] {
  const paths: string[] = []
  for (let at = path; at !== '' && at !== '/'; at = at.slice(0, at.lastIndexOf('/'))) paths.push(at)
  return [...paths, '']
}
