{{/* No label that selects the members is among these: the Services must not lead to a pod that takes backups. */}}
{{- define "mariadb.backupLabels" -}}
app.kubernetes.io/name: mariadb-backup
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{/* Pod of a Job: `root` the chart's context, `command`, and `server` when a database server runs in it. */}}
{{- define "mariadb.backupPod" -}}
{{- $fullname := include "mariadb.fullname" .root -}}
{{- $server := .server -}}
{{- with .root -}}
metadata:
  labels:
    app.kubernetes.io/name: mariadb-backup
    app.kubernetes.io/instance: {{ .Release.Name }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ $fullname }}-backup
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  # Where the volume is bound to a node, it must be another one than the primary's.
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: {{ .Values.antiAffinityTopologyKey }}
            labelSelector:
              matchLabels:
                {{- include "mariadb.selector" . | nindent 16 }}
                statefulset.kubernetes.io/pod-name: {{ include "mariadb.primaryMember" . }}
        - weight: 10
          podAffinityTerm:
            topologyKey: {{ .Values.antiAffinityTopologyKey }}
            labelSelector:
              matchLabels: {{- include "mariadb.selector" . | nindent 16 }}
  containers:
    - name: {{ ternary "mariadb" "backup" (default false $server) }}
      {{- include "mariadb.image" . | nindent 6 }}
      command: {{ toJson $.command }}
      env:
        # No member's name: what runs here belongs to no set.
        - {name: MEMBER_NAME, value: {{ printf "%s-backup" $fullname | quote }}}
        {{- include "mariadb.environment" . | nindent 8 }}
        {{- range $tier, $count := .Values.backups.keep }}
        - {name: KEEP_{{ upper $tier }}, value: {{ $count | int | quote }}}
        {{- end }}
        - {name: S3_ENDPOINT, value: {{ .Values.backups.s3.endpoint | quote }}}
        - {name: S3_REGION, value: {{ .Values.backups.s3.region | quote }}}
        - {name: S3_PATH, value: {{ .Values.backups.s3.path | quote }}}
        {{- if $server }}
        - {name: BACKUP, value: ""}
        {{- end }}
      resources: {{- toYaml (ternary .Values.resources .Values.backups.resources (default false $server)) | nindent 8 }}
      {{- if $server }}
      readinessProbe:
        exec: {command: [/opt/mariadb-member/health.sh, alive]}
        periodSeconds: 2
        timeoutSeconds: 5
      {{- end }}
      volumeMounts:
        {{- include "mariadb.mounts" . | nindent 8 }}
        - {name: backups, mountPath: /var/lib/mariadb-backups}
        - {name: passwords, mountPath: /etc/mariadb-passwords, readOnly: true}
        {{- if .Values.backups.s3.endpoint }}
        - {name: s3, mountPath: /etc/mariadb-backup-s3, readOnly: true}
        {{- end }}
        - {name: api-access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
  volumes:
    {{- include "mariadb.volumes" . | nindent 4 }}
    {{- if .Values.backups.s3.endpoint }}
    - name: s3
      secret:
        secretName: {{ required "backups.s3.existingSecret is required with an endpoint" .Values.backups.s3.existingSecret }}
        defaultMode: 0440
    {{- end }}
    - name: data
      emptyDir: {}
    - name: backups
      persistentVolumeClaim: {claimName: {{ $fullname }}-backups}
{{- end -}}
{{- end -}}
