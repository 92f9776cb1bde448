{{- define "mariadb.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels that select the members; they never change in the life of a release. */}}
{{- define "mariadb.selector" -}}
app.kubernetes.io/name: mariadb
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mariadb.labels" -}}
{{ include "mariadb.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{/* The member that is the primary when the release is installed. */}}
{{- define "mariadb.primaryMember" -}}
{{ include "mariadb.fullname" . }}-0
{{- end -}}

{{/* Label that carries a member's role: primary or replica. Each pod sets its own. */}}
{{- define "mariadb.roleLabel" -}}
openstack-paas/database-role
{{- end -}}
