#!/bin/bash
# Sets this pod's role label, by which the Services find the primary and the replicas.
#
# The image has no client for the Kubernetes API, but it has socat (MariaDB needs it to copy data between servers), and
# one PATCH request is all there is to say. The token goes through standard input, never through an argument.

api_access=/var/run/secrets/kubernetes.io/serviceaccount

# One PATCH; prints the status line of the answer.
patch_role() {
  local host=$KUBERNETES_SERVICE_HOST address body
  address=$host
  [[ $host != *:* ]] || address="[$host]"
  body=$(printf '{"metadata":{"labels":{"%s":"%s"}}}' "$ROLE_LABEL" "$1")
  printf '%s\r\n' \
    "PATCH /api/v1/namespaces/$MEMBER_NAMESPACE/pods/$MEMBER_NAME HTTP/1.1" \
    "Host: $API_SERVER_NAME" \
    "Authorization: Bearer $(<"$api_access/token")" \
    "Content-Type: application/merge-patch+json" \
    "Content-Length: ${#body}" \
    "Connection: close" \
    "" "$body" |
    socat -T 10 -t 10 STDIO \
      "OPENSSL:$address:$KUBERNETES_SERVICE_PORT,cafile=$api_access/ca.crt,commonname=$API_SERVER_NAME,shut-none" |
    { IFS= read -r status && printf '%s' "${status%$'\r'}"; cat >/dev/null; }
}

# Tries for five minutes: the API may be away while a cluster comes up after a power cut.
publish_role() {
  local role=$1 answer deadline=$((SECONDS + 300))
  while true; do
    answer=$(patch_role "$role" 2>&1) || answer="no answer: $answer"
    [[ $answer != "HTTP/1.1 200"* ]] || break
    [ "$SECONDS" -lt "$deadline" ] || fail "cannot label this pod as $role: $answer"
    log "cannot label this pod as $role yet: $answer"
    sleep 2
  done
  log "role: $role"
}
