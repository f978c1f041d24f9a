/** A judge of pods: what a pod must have so that it can be run by people who sleep at night. */

interface Container {
  readonly name: string
  readonly image: string
  readonly resources?: { readonly limits?: unknown; readonly requests?: unknown }
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly livenessProbe?: { readonly httpGet?: { readonly path: string } }
  readonly readinessProbe?: { readonly httpGet?: { readonly path: string } }
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly automountServiceAccountToken?: boolean
}

/** A tag that says a version, or a digest. */
const PINNED = /@sha256:[0-9a-f]{64}$|:v?\d+\.\d+(\.\d+)?([.-][\w.-]+)?$/

/** Everything that a confined, limited and probed pod lacks (guide-flaws 35 and 74). Empty when it is one. */
export function podProblems(pod: PodSpec, { probes = true } = {}): readonly string[] {
  const problems: string[] = []
  const need = (ok: boolean, what: string): void => void (ok || problems.push(what))
  const podSecurity = pod.securityContext ?? {}
  need(podSecurity['runAsNonRoot'] === true, 'runs as non-root')
  need(Number.isInteger(podSecurity['runAsUser']) && podSecurity['runAsUser'] !== 0, 'numeric user')
  need(JSON.stringify(podSecurity['seccompProfile']) === '{"type":"RuntimeDefault"}', 'seccomp profile')
  need(pod.automountServiceAccountToken === false, 'no token of a service account')
  for (const {
    name,
    image,
    resources,
    securityContext = {},
    livenessProbe,
    readinessProbe,
  } of pod.containers) {
    need(PINNED.test(image), `${name}: pinned image`)
    need(resources?.limits !== undefined && resources.requests !== undefined, `${name}: limits and requests`)
    need(securityContext['allowPrivilegeEscalation'] === false, `${name}: no privilege escalation`)
    need(securityContext['readOnlyRootFilesystem'] === true, `${name}: read-only root`)
    need(JSON.stringify(securityContext['capabilities']) === '{"drop":["ALL"]}', `${name}: no capabilities`)
    if (!probes) continue
    const [live, ready] = [livenessProbe?.httpGet?.path, readinessProbe?.httpGet?.path]
    need(live !== undefined && ready !== undefined, `${name}: liveness and readiness`)
    need(live !== ready, `${name}: liveness is not readiness`)
  }
  return problems
}
