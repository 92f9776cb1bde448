{{/* What the preparing container and the server's have in common. */}}
{{- define "mariadb.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - {name: MEMBER_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: MEMBER_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
  - {name: MEMBER_SET, value: {{ include "mariadb.fullname" . | quote }}}
  - {name: MEMBER_DOMAIN, value: {{ printf "%s-headless" (include "mariadb.fullname" .) | quote }}}
  - {name: PRIMARY_MEMBER, value: {{ include "mariadb.primaryMember" . | quote }}}
  - {name: PRIMARY_HOST, value: {{ printf "%s-primary" (include "mariadb.fullname" .) | quote }}}
  - {name: PRIMARY_PORT, value: {{ .Values.service.port | quote }}}
  - {name: ROLE_LABEL, value: {{ include "mariadb.roleLabel" . | quote }}}
  - {name: API_SERVER_NAME, value: {{ .Values.apiServerName | quote }}}
  - {name: REPLICATION_USERNAME, value: {{ .Values.auth.replicationUsername | quote }}}
  - {name: INITIAL_DATABASE, value: {{ .Values.database | quote }}}
  - {name: INITIAL_USERNAME, value: {{ .Values.auth.username | quote }}}
  - {name: COPY_TIMEOUT_SECONDS, value: {{ .Values.replication.copyTimeoutSeconds | int | quote }}}
  - {name: MAXIMUM_LAG_SECONDS, value: {{ .Values.replication.maximumLagSeconds | int | quote }}}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "mariadb.mounts" -}}
- {name: data, mountPath: /var/lib/mariadb}
- {name: run, mountPath: /run/mysqld}
- {name: temporary, mountPath: /tmp}
- {name: scripts, mountPath: /opt/mariadb-member, readOnly: true}
- {name: members, mountPath: /etc/mariadb-members, readOnly: true}
# One file, so that the image's own settings stay and this one is read last.
- {name: configuration, mountPath: /etc/mysql/mariadb.conf.d/99-member.cnf, subPath: my.cnf, readOnly: true}
{{- end -}}
