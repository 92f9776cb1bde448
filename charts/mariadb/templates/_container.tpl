{{/* Image, settings and rights of every container; what is its own (name, command, MEMBER_NAME, mounts) comes beside it. */}}
{{- define "mariadb.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "mariadb.environment" -}}
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
- {name: REBUILD_WAIT_SECONDS, value: {{ .Values.replication.rebuildWaitSeconds | int | quote }}}
{{- end -}}

{{/* What the preparing container of a member and its server's have in common. */}}
{{- define "mariadb.container" -}}
{{ include "mariadb.image" . }}
env:
  - {name: MEMBER_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  {{- include "mariadb.environment" . | nindent 2 }}
  - {name: SEMI_SYNC, value: {{ ternary "ON" "OFF" (and .Values.replication.semiSync (gt (int .Values.replicas) 0)) | quote }}}
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- end -}}

{{- define "mariadb.mounts" -}}
- {name: data, mountPath: /var/lib/mariadb}
- {name: run, mountPath: /run/mysqld}
- {name: temporary, mountPath: /tmp}
- {name: scripts, mountPath: /opt/mariadb-member, readOnly: true}
- {name: members, mountPath: /etc/mariadb-members, readOnly: true}
- {name: state, mountPath: /etc/mariadb-state, readOnly: true}
# One file, so that the image's own settings stay and this one is read last.
- {name: configuration, mountPath: /etc/mysql/mariadb.conf.d/99-member.cnf, subPath: my.cnf, readOnly: true}
{{- end -}}

{{- define "mariadb.volumes" -}}
{{- $fullname := include "mariadb.fullname" . -}}
- name: configuration
  configMap: {name: {{ $fullname }}-configuration}
- name: scripts
  configMap: {name: {{ $fullname }}-scripts, defaultMode: 0555}
- name: members
  configMap: {name: {{ $fullname }}-members}
- name: state
  configMap: {name: {{ $fullname }}-state}
- name: passwords
  secret:
    secretName: {{ required "auth.existingSecret is required: the name of the Secret with the passwords" .Values.auth.existingSecret }}
    defaultMode: 0440
- name: api-access
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
# Socket, and the client's option file with the root password: memory only, gone with the pod.
- name: run
  emptyDir: {medium: Memory, sizeLimit: 8Mi}
- name: temporary
  emptyDir: {}
{{- end -}}
