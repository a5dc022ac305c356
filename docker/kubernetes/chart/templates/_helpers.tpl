{{- define "cwm.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-cwm" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "cwm.selector" -}}
app.kubernetes.io/name: core-webhook-module
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cwm.labels" -}}
{{ include "cwm.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "cwm.configMap" -}}
{{ .Values.config.existingConfigMap | default (printf "%s-config" (include "cwm.name" .)) }}
{{- end }}
