/**
 * What one thing is called in everything that is emitted. A selector and the labels it selects, a port and the name by which it is
 * scraped, a job and the rules that look for it are derived here, once, so that they meet (guide-flaws 32, 34 and 84).
 */

/** Service, Deployment, ServiceMonitor, unit, container and job. */
export const NAME = 'celeriac'

/** The one listener: UI, API and metrics. Not 9090, which is Prometheus' own. */
export const PORT = 9808

/** The Service's and the container's name of that port. */
export const PORT_NAME = 'http'

export const METRICS_PATH = '/metrics'

/** The label by which objects know each other. */
export const NAME_LABEL = 'app.kubernetes.io/name'

/** The job under which Prometheus scrapes Celeriac; the rules that watch Celeriac look for it. */
export const JOB = NAME

/** Labels of Celeriac's pods: what a Service selects unless told otherwise. */
export const POD_LABELS: Readonly<Record<string, string>> = { [NAME_LABEL]: NAME }

/** Labels of the Service: what the ServiceMonitor selects. */
export const SERVICE_LABELS: Readonly<Record<string, string>> = { [NAME_LABEL]: NAME }
