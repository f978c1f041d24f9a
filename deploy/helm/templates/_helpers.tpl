{{- /*
A template of the chart.
Made by `npm run emit` from the catalog of Celeriac. Do not edit: change the catalog or the config, then emit again.
*/ -}}
{{/* The name of every object: the release's, unless that holds the chart's name already. */}}
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
app.kubernetes.io/name: celeriac
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
