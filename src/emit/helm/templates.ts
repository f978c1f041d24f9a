/**
 * The chart's templates. They hold no number and no name that another target has too: those come from `values.ts`, which takes them
 * where the other targets do. Rules and dashboards are carried as files, since their own `{{ … }}` is not Helm's.
 */
import { METRICS_PATH, NAME, NAME_LABEL, PORT_NAME } from '../names.ts'
import { CONFIG_FILE, CONTAINER } from '../program.ts'

/** Folders of the chart whose files are carried into objects as they are. */
export const RULES_FOLDER = 'rules'
export const DASHBOARDS_FOLDER = 'dashboards'

const helpers = String.raw`{{/* The name of every object: the release's, unless that holds the chart's name already. */}}
{{- define "celeriac.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which pods are found. The name is the job under which alerts look for Celeriac, so it cannot be changed. */}}
{{- define "celeriac.selectorLabels" -}}
${NAME_LABEL}: ${NAME}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of an object: those by which objects meet win over those of others. Takes the root and, as "more", labels of its kind. */}}
{{- define "celeriac.labelsWith" -}}
{{- $own := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- toYaml (mergeOverwrite (deepCopy (default dict .more)) (deepCopy .root.Values.commonLabels) $own (include "celeriac.selectorLabels" .root | fromYaml)) -}}
{{- end -}}

{{- define "celeriac.labels" -}}
{{- include "celeriac.labelsWith" (dict "root" .) -}}
{{- end -}}

{{- define "celeriac.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "celeriac.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* A digest wins over a tag; without a tag it is that of the chart. */}}
{{- define "celeriac.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}
`

const meta = (
  name = '{{ include "celeriac.fullname" . }}',
  namespace = '{{ .Release.Namespace }}',
  labels?: string,
): string =>
  `metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    {{- include ${labels === undefined ? '"celeriac.labels" .' : `"celeriac.labelsWith" (dict "root" . "more" ${labels})`} | nindent 4 }}`

const serviceAccount = `{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
${meta('{{ include "celeriac.serviceAccountName" . }}')}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# It never asks the Kubernetes API.
automountServiceAccountToken: false
{{- end }}
`

const configMap = `apiVersion: v1
kind: ConfigMap
${meta()}
data:
  ${CONFIG_FILE}: |
    {{- toYaml .Values.config | nindent 4 }}
`

const deployment = (dataFolder: string | undefined): string => `apiVersion: apps/v1
kind: Deployment
${meta()}
spec:
  # One watches a fleet: two would count every event twice and tell every alert twice. The old one ends before the new one starts.
  replicas: 1
  strategy:
    type: Recreate
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "celeriac.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "celeriac.labelsWith" (dict "root" . "more" .Values.podLabels) | nindent 8 }}
      annotations:
        # A new configuration is taken up by a new pod.
        checksum/config: {{ toYaml .Values.config | sha256sum }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- with .Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      serviceAccountName: {{ include "celeriac.serviceAccountName" . }}
      automountServiceAccountToken: false
      # Kubernetes would set CELERIAC_PORT and more of the kind, which Celeriac would warn of.
      enableServiceLinks: false
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
      securityContext:
        {{- toYaml .Values.podSecurityContext | nindent 8 }}
      containers:
        - name: ${NAME}
          image: {{ include "celeriac.image" . | quote }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          env:
            - name: CELERIAC_CONFIG
              value: ${CONTAINER.config}/${CONFIG_FILE}
            - name: CELERIAC_LISTEN
              value: 0.0.0.0:{{ .Values.containerPort }}
            - name: CELERIAC_LOG_FORMAT
              value: json
            - name: CELERIAC_LOG_LEVEL
              value: {{ .Values.logLevel }}
${
  dataFolder === undefined
    ? ''
    : `            {{- if .Values.persistence.enabled }}
            - name: ${dataFolder}
              value: ${CONTAINER.data}
            {{- end }}
`
}            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- with .Values.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            - name: ${PORT_NAME}
              containerPort: {{ .Values.containerPort }}
              protocol: TCP
          startupProbe:
            {{- toYaml .Values.startupProbe | nindent 12 }}
          # Says nothing of the broker: its outage restarts nobody.
          livenessProbe:
            {{- toYaml .Values.livenessProbe | nindent 12 }}
          readinessProbe:
            {{- toYaml .Values.readinessProbe | nindent 12 }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          securityContext:
            {{- toYaml .Values.securityContext | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: ${CONTAINER.config}
              readOnly: true
            - name: secrets
              mountPath: ${CONTAINER.secrets}
              readOnly: true
            - name: tmp
              mountPath: /tmp
${
  dataFolder === undefined
    ? ''
    : `            {{- if .Values.persistence.enabled }}
            - name: data
              mountPath: ${CONTAINER.data}
            {{- end }}
`
}            {{- with .Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ include "celeriac.fullname" . }}
        - name: secrets
          secret:
            secretName: {{ .Values.existingSecret }}
            # 0440: fsGroup may read, nobody else.
            defaultMode: 288
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
${
  dataFolder === undefined
    ? ''
    : `        {{- if .Values.persistence.enabled }}
        - name: data
          persistentVolumeClaim:
            claimName: {{ default (include "celeriac.fullname" .) .Values.persistence.existingClaim }}
        {{- end }}
`
}        {{- with .Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
`

const service = `apiVersion: v1
kind: Service
${meta()}
  {{- with .Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .Values.service.type }}
  # People look while the broker is away, when the pod is not ready: let them.
  publishNotReadyAddresses: true
  selector:
    {{- include "celeriac.selectorLabels" . | nindent 4 }}
  ports:
    - name: ${PORT_NAME}
      port: {{ .Values.service.port }}
      targetPort: ${PORT_NAME}
      protocol: TCP
`

const claim = `{{- if and .Values.persistence.enabled (not .Values.persistence.existingClaim) }}
apiVersion: v1
kind: PersistentVolumeClaim
${meta()}
  annotations:
    # What was measured outlives the release.
    helm.sh/resource-policy: keep
spec:
  accessModes:
    {{- toYaml .Values.persistence.accessModes | nindent 4 }}
  {{- with .Values.persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .Values.persistence.size }}
{{- end }}
`

const networkPolicy = `{{- if .Values.networkPolicy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
${meta()}
spec:
  podSelector:
    matchLabels:
      {{- include "celeriac.selectorLabels" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  ingress:
    - from:
        - podSelector: {}
        {{- with .Values.networkPolicy.fromNamespaces }}
        - namespaceSelector:
            matchExpressions:
              - key: kubernetes.io/metadata.name
                operator: In
                values:
                  {{- toYaml . | nindent 18 }}
        {{- end }}
        {{- with .Values.networkPolicy.extraFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - port: ${PORT_NAME}
          protocol: TCP
  egress:
    # Names.
    - ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    {{- with .Values.networkPolicy.egressPorts }}
    - ports:
        {{- range . }}
        - port: {{ . }}
          protocol: TCP
        {{- end }}
    {{- end }}
{{- end }}
`

const disruptionBudget = `{{- if .Values.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
${meta()}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "celeriac.selectorLabels" . | nindent 6 }}
{{- end }}
`

const serviceMonitor = `{{- if .Values.serviceMonitor.enabled }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
${meta(undefined, '{{ default .Release.Namespace .Values.serviceMonitor.namespace }}', '.Values.serviceMonitor.additionalLabels')}
spec:
  # The job is the value of this label; the alerts on Celeriac look for it.
  jobLabel: ${NAME_LABEL}
  namespaceSelector:
    matchNames:
      - {{ .Release.Namespace }}
  selector:
    matchLabels:
      {{- include "celeriac.selectorLabels" . | nindent 6 }}
  endpoints:
    - port: ${PORT_NAME}
      path: ${METRICS_PATH}
      interval: {{ .Values.serviceMonitor.interval }}
      {{- with .Values.serviceMonitor.scrapeTimeout }}
      scrapeTimeout: {{ . }}
      {{- end }}
      # Celeriac tells of containers and queues of others: its labels win over those of the scrape.
      honorLabels: {{ .Values.serviceMonitor.honorLabels }}
      {{- with .Values.serviceMonitor.relabelings }}
      relabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.serviceMonitor.metricRelabelings }}
      metricRelabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
`

const prometheusRule = `{{- if .Values.prometheusRule.enabled }}
{{- range $path, $_ := .Files.Glob "${RULES_FOLDER}/*.yml" }}
{{- with $ }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
${meta(
  '{{ printf "%s-%s" (include "celeriac.fullname" .) (base $path | trimSuffix ".rules.yml") }}',
  '{{ default .Release.Namespace .Values.prometheusRule.namespace }}',
  '.Values.prometheusRule.additionalLabels',
)}
spec:
{{ .Files.Get $path | indent 2 }}
{{- end }}
{{- end }}
{{- end }}
`

const dashboards = `{{- if .Values.grafanaDashboards.enabled }}
{{- range $path, $_ := .Files.Glob "${DASHBOARDS_FOLDER}/*.json" }}
{{- with $ }}
---
apiVersion: v1
kind: ConfigMap
${meta(
  '{{ printf "%s-dashboard-%s" (include "celeriac.fullname" .) (base $path | trimSuffix ".json") | trunc 63 | trimSuffix "-" }}',
  '{{ default .Release.Namespace .Values.grafanaDashboards.namespace }}',
  '.Values.grafanaDashboards.labels',
)}
  {{- with .Values.grafanaDashboards.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
data:
  {{ base $path }}: |
{{ .Files.Get $path | indent 4 }}
{{- end }}
{{- end }}
{{- end }}
`

const notes = (
  secrets: readonly string[],
): string => `Celeriac watches once the Secret {{ .Values.existingSecret }} is there. Each key is a file that holds nothing but the secret itself:

  kubectl -n {{ .Release.Namespace }} create secret generic {{ .Values.existingSecret }} \\
${secrets.map((name, i) => `    --from-file=${name}${i < secrets.length - 1 ? ' \\' : ''}`).join('\n')}

Look at it:

  kubectl -n {{ .Release.Namespace }} port-forward service/{{ include "celeriac.fullname" . }} {{ .Values.service.port }}
  http://127.0.0.1:{{ .Values.service.port }}/
{{ if not .Values.serviceMonitor.enabled }}
Prometheus Operator does not scrape it: serviceMonitor.enabled=true, prometheusRule.enabled=true
{{- end }}
`

/** Path in the chart -> text. */
export const chartTemplates = (
  dataFolder: string | undefined,
  secrets: readonly string[],
): readonly (readonly [path: string, text: string])[] => [
  ['_helpers.tpl', helpers],
  ['serviceaccount.yaml', serviceAccount],
  ['configmap.yaml', configMap],
  ['deployment.yaml', deployment(dataFolder)],
  ['service.yaml', service],
  ...(dataFolder === undefined ? [] : ([['persistentvolumeclaim.yaml', claim]] as const)),
  ['networkpolicy.yaml', networkPolicy],
  ['poddisruptionbudget.yaml', disruptionBudget],
  ['servicemonitor.yaml', serviceMonitor],
  ['prometheusrule.yaml', prometheusRule],
  ['dashboards.yaml', dashboards],
  ['NOTES.txt', notes(secrets)],
]
