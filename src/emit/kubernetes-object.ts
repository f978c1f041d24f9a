import { NAME, PORT, PORT_NAME, SERVICE_LABELS } from './names.ts'
import type { EmitSettings } from './settings.ts'

/** An object as the API of Kubernetes takes it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [part: string]: unknown
}

/** Name, namespace and labels of an object. `--label` may add labels and change `more`, never those by which objects meet. */
export const objectMeta = (
  { namespace, labels }: Pick<EmitSettings, 'namespace' | 'labels'>,
  name: string = NAME,
  more: Readonly<Record<string, string>> = {},
): KubernetesObject['metadata'] => ({
  name,
  namespace,
  labels: { ...SERVICE_LABELS, ...more, ...labels, ...SERVICE_LABELS },
})

/**
 * The Service of Celeriac: a ServiceMonitor finds it by its labels, and it finds the pods by `--selector`. It leads to a pod that is
 * not ready as well: while the broker is away, which is when people look, none is.
 */
export const serviceObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: objectMeta(settings),
  spec: {
    selector: settings.selector,
    publishNotReadyAddresses: true,
    ports: [{ name: PORT_NAME, port: PORT, targetPort: PORT_NAME, protocol: 'TCP' }],
  },
})
