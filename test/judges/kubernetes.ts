/** Judges of Kubernetes objects: the schemas of the API and of custom resources, unknown keys refused, and what kubectl reads. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const judges = join(import.meta.dirname, '..', '..', '.cache', 'judges')

/** The installed program; `node scripts/servers.mjs` installs it. */
export function judge(name: 'helm-3' | 'helm-4' | 'kubectl'): string {
  const program = join(judges, 'bin', name)
  if (!existsSync(program)) throw new Error(`${name} is not installed. Run node scripts/servers.mjs.`)
  return program
}

/** A file of a package of test/judges. */
export const judgePath = (path: string): string => join(judges, 'node_modules', path)

/** The module in such a file. */
export const judgeModule = (path: string): Promise<unknown> => import(pathToFileURL(judgePath(path)).href)

interface ValidationError {
  readonly instancePath: string
  readonly message?: string
  readonly keyword: string
  readonly params: unknown
}

interface Validator {
  (data: unknown): boolean
  readonly errors?: readonly ValidationError[] | null
}

/** Which module validates a kind of object. */
const SCHEMAS: Readonly<Record<string, string>> = {
  'v1/Namespace': 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace.js',
  'v1/ServiceAccount': 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount.js',
  'v1/ConfigMap': 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap.js',
  'v1/Secret': 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret.js',
  'v1/Service': 'kubernetes-models/_schemas/IoK8sApiCoreV1Service.js',
  'v1/PersistentVolumeClaim': 'kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim.js',
  'apps/v1/Deployment': 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment.js',
  'apps/v1/DaemonSet': 'kubernetes-models/_schemas/IoK8sApiAppsV1DaemonSet.js',
  'networking.k8s.io/v1/NetworkPolicy': 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy.js',
  'networking.k8s.io/v1/Ingress': 'kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress.js',
  'policy/v1/PodDisruptionBudget': 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget.js',
  'rbac.authorization.k8s.io/v1/ClusterRole': 'kubernetes-models/_schemas/IoK8sApiRbacV1ClusterRole.js',
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding':
    'kubernetes-models/_schemas/IoK8sApiRbacV1ClusterRoleBinding.js',
  'monitoring.coreos.com/v1/ServiceMonitor':
    '@kubernetes-models/prometheus-operator/_schemas/ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1ServiceMonitor.js',
  'monitoring.coreos.com/v1/PrometheusRule':
    '@kubernetes-models/prometheus-operator/_schemas/ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1PrometheusRule.js',
  'monitoring.coreos.com/v1alpha1/AlertmanagerConfig':
    '@kubernetes-models/prometheus-operator/_schemas/ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1alpha1AlertmanagerConfig.js',
  'keda.sh/v1alpha1/ScaledObject':
    '@kubernetes-models/keda/_schemas/ComGithubKedacoreKedaV2ApisKedaV1alpha1ScaledObject.js',
}

/**
 * The data, and which keys of it were never looked at. The validators are compiled and pass keys that they do not know; but they
 * read each key that they do know, and read all keys where any is allowed. So a key that was not read is an unknown one.
 */
function watched(data: unknown, path: string, reads: Map<string, Set<string>>): unknown {
  if (typeof data !== 'object' || data === null) return data
  const read = new Set<string>()
  if (!Array.isArray(data)) reads.set(path, read)
  const children = new Map<string, unknown>()
  return new Proxy(data, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof key !== 'string' || !Object.hasOwn(target, key)) return value
      read.add(key)
      if (!children.has(key)) children.set(key, watched(value, `${path}/${key}`, reads))
      return children.get(key)
    },
  })
}

/** Everything wrong with an object: what its schema refuses, and keys that its schema does not know. Empty when it is right. */
export async function objectProblems(object: unknown): Promise<readonly string[]> {
  const { apiVersion, kind } = object as { apiVersion?: string; kind?: string }
  const id = `${apiVersion ?? '?'}/${kind ?? '?'}`
  const path = SCHEMAS[id]
  if (path === undefined) return [`${id}: no schema is known here`]
  const { validate } = (await judgeModule(path)) as { readonly validate: Validator }
  const reads = new Map<string, Set<string>>()
  const problems = validate(watched(object, '', reads))
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, keyword, params }) => `${instancePath || '/'}: ${keyword} ${JSON.stringify(params)}`,
      )
  return [...problems, ...unread(object, '', reads)].map(problem => `${id} ${problem}`)
}

function unread(data: unknown, path: string, reads: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  if (typeof data !== 'object' || data === null) return []
  if (Array.isArray(data)) return data.flatMap((each: unknown, i) => unread(each, `${path}/${i}`, reads))
  const read = reads.get(path)
  // Nobody looked into it: its parent, or itself, may hold anything.
  if (read === undefined) return []
  return Object.entries(data).flatMap(([key, value]) =>
    read.has(key) ? unread(value, `${path}/${key}`, reads) : [`${path}/${key}: is not known`],
  )
}

/** What `kubectl kustomize` makes of a folder. Throws what it said. */
export const kustomize = (folder: string): string =>
  execFileSync(judge('kubectl'), ['kustomize', folder], { encoding: 'utf8', stdio: 'pipe' })
