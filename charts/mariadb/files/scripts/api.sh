#!/bin/bash
# Writes to the Kubernetes API: a pod's own role, by which the Services find it, and the state of its release.
#
# The image has no client for the Kubernetes API, but it has socat (MariaDB needs it to copy data between servers), which
# is enough for one PATCH request. The token goes through standard input, never through an argument.

api_access=/var/run/secrets/kubernetes.io/serviceaccount

# patch PATH BODY: sends one PATCH in the namespace and prints the status line of the response.
patch() {
  local host=$KUBERNETES_SERVICE_HOST address body=$2
  address=$host
  [[ $host != *:* ]] || address="[$host]"
  printf '%s\r\n' \
    "PATCH /api/v1/namespaces/$MEMBER_NAMESPACE/$1 HTTP/1.1" \
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

# publish WHAT PATH BODY: tries for five minutes, because the API may be down while a cluster starts after a power cut.
publish() {
  local what=$1 answer deadline=$((SECONDS + 300))
  while true; do
    answer=$(patch "$2" "$3" 2>&1) || answer="no answer: $answer"
    [[ $answer != "HTTP/1.1 200"* ]] || break
    [ "$SECONDS" -lt "$deadline" ] || fail "cannot publish the $what: $answer"
    log "cannot publish the $what yet: $answer"
    sleep 2
  done
  log "$what"
}

publish_role() {
  publish "role: $1" "pods/$MEMBER_NAME" "$(printf '{"metadata":{"labels":{"%s":"%s"}}}' "$ROLE_LABEL" "$1")"
}

# Records outside of all volumes that the release has data, so that an empty volume is known to be a lost one. This happens
# before the first write is accepted.
remember_data() {
  [ -z "$(remembered initialised)" ] || return 0
  publish "state: the release has data" "configmaps/$MEMBER_SET-state" \
    "$(printf '{"data":{"initialised":"%s"}}' "$(date -u +%FT%TZ)")"
}
