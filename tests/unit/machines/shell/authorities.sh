# shellcheck shell=bash disable=SC2034
# Authorities and certificates made by openssl, for the cases about them. Sourced after prelude.sh.

# authority NAME: NAME.crt and NAME.key in $ROOT/made.
authority() {
    mkdir -p "$ROOT/made"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 100 -subj "/CN=$1" \
        -addext basicConstraints=critical,CA:true -keyout "$ROOT/made/$1.key" -out "$ROOT/made/$1.crt" 2>/dev/null
}

# leaf NAME AUTHORITY DAYS [EXTENSION]: a certificate of AUTHORITY as NAME.crt in $ROOT/made.
leaf() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$ROOT/made/$1.key" \
        -out "$ROOT/made/$1.request" ${4:+-addext "$4"} 2>/dev/null
    openssl x509 -req -in "$ROOT/made/$1.request" -CA "$ROOT/made/$2.crt" -CAkey "$ROOT/made/$2.key" -CAcreateserial \
        -days "$3" -copy_extensions copy -out "$ROOT/made/$1.crt" 2>/dev/null
}

# bundle NAME...: their certificates as one text.
bundle() {
    local name
    for name; do cat "$ROOT/made/$name.crt"; done
}
