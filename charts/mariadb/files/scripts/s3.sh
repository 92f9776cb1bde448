#!/bin/bash
# Uses a bucket of an S3-compatible store with the tools of the image: requests are signed here and sent by socat.
#
# It uses Signature Version 4 (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). The store
# compares each object with the signed SHA-256. Keys are read from files and are never arguments. An object can have 5 GiB.
source "$(dirname "${BASH_SOURCE[0]}")/library.sh"

s3_access=/etc/mariadb-backup-s3

sha256() {
  local sum
  sum=$(sha256sum)
  printf '%s' "${sum%% *}"
}

# bytes HEX: prints the bytes.
bytes() {
  local text=$1 escaped='' i
  for ((i = 0; i < ${#text}; i += 2)); do escaped+="\\x${text:i:2}"; done
  printf '%b' "$escaped"
}

# hmac KEY: the HMAC-SHA256 (RFC 2104) of standard input. Key and result are hexadecimal.
hmac() {
  local key=$1 inner='' outer='' each digest i
  [ "${#key}" -le 128 ] || key=$(bytes "$key" | sha256)
  while [ "${#key}" -lt 128 ]; do key+=00; done
  for ((i = 0; i < 128; i += 2)); do
    printf -v each '%02x' $((16#${key:i:2} ^ 0x36)) && inner+=$each
    printf -v each '%02x' $((16#${key:i:2} ^ 0x5c)) && outer+=$each
  done
  digest=$({ bytes "$inner"; cat; } | sha256)
  bytes "$outer$digest" | sha256
}

# signature DATE SCOPE REQUEST: the signature of a canonical request.
signature() {
  local key part
  key=$(printf 'AWS4%s' "$(<"$s3_access/secret-key")" | od -An -v -tx1 | tr -d ' \n')
  for part in "${1:0:8}" "$S3_REGION" s3 aws4_request; do key=$(printf '%s' "$part" | hmac "$key"); done
  printf 'AWS4-HMAC-SHA256\n%s\n%s\n%s' "$1" "$2" "$(printf '%s' "$3" | sha256)" | hmac "$key"
}

# s3_target AUTHORITY: the address for socat. The endpoint is http://HOST[:PORT][/PATH] or https://...
s3_target() {
  local host=${1%:*} port=${1##*:} authorities=capath=/etc/ssl/certs
  [ "$host" != "$1" ] || port=$([ "${S3_ENDPOINT%%:*}" = https ] && printf 443 || printf 80)
  [ ! -s "$s3_access/ca.crt" ] || authorities=cafile=$s3_access/ca.crt
  if [ "${S3_ENDPOINT%%:*}" = http ]; then
    printf 'TCP:%s:%s' "$host" "$port"
  else
    printf 'OPENSSL:%s:%s,commonname=%s,snihost=%s,%s' "$host" "$port" "$host" "$host" "$authorities"
  fi
}

# s3 METHOD NAME [FILE]: sends FILE (PUT) or writes it (GET). On failure it prints the store's status line. LIST writes the
# store's XML with the objects after NAME, a thousand at most.
s3() {
  local method=$1 file=${3:-/dev/null} sent=/dev/null query='' version=1.1 rest authority path date hash scope signed status
  rest=${S3_ENDPOINT#*://}
  authority=${rest%%/*} path=/${rest#"${rest%%/*}"}/$S3_PATH/$2
  if [ "$method" = LIST ]; then
    path=/${rest#"${rest%%/*}"}/${S3_PATH%%/*}
    query="list-type=2&prefix=${S3_PATH#*/}/${2:+&start-after=${S3_PATH#*/}/$2}"
    # HTTP/1.1 would allow a chunked response.
    method=GET query=${query//\//%2F} version=1.0
  fi
  while [[ $path == *//* ]]; do path=${path//\/\//\/}; done
  [ "$method" != PUT ] || sent=$file
  date=$(date -u +%Y%m%dT%H%M%SZ) hash=$(sha256 <"$sent")
  scope=${date:0:8}/$S3_REGION/s3/aws4_request
  signed='host;x-amz-content-sha256;x-amz-date'
  signed=$(signature "$date" "$scope" "$(printf '%s\n%s\n%s\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s' \
    "$method" "$path" "$query" "$authority" "$hash" "$date" "$signed" "$hash")")
  status=$(
    {
      printf '%s\r\n' "$method $path${query:+?$query} HTTP/$version" "Host: $authority" "x-amz-content-sha256: $hash" "x-amz-date: $date" \
        "Authorization: AWS4-HMAC-SHA256 Credential=$(<"$s3_access/access-key")/$scope,$(
        )SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=$signed" \
        "Content-Length: $(stat -Lc %s "$sent")" "Connection: close" ""
      cat "$sent"
    } 2>/dev/null | socat -T 120 -t 120 STDIO "$(s3_target "$authority"),shut-none" 2>"$run/s3.log" | s3_answer "$method" "$file"
  ) || true
  [[ $status == "HTTP/1."?" 20"* ]] || { printf '%s' "${status:-$(tail -n 1 "$run/s3.log")}" && return 1; }
}

# s3_answer METHOD FILE: prints the status line and, for GET, writes the body to FILE.
s3_answer() {
  local status line
  IFS= read -r status
  printf '%s' "${status%$'\r'}"
  while IFS= read -r line && [ "$line" != $'\r' ]; do :; done
  if [ "$1" = GET ]; then cat >"$2"; else cat >/dev/null; fi
}
