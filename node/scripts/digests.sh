# shellcheck shell=bash disable=SC2154
# Certificates of authorities by short names. Sourced after install.sh.

# digests FILE: of each certificate in FILE, in its order, 12 hexadecimal digits.
digests() {
    local line body='' inside=false
    while IFS= read -r line; do
        case $line in
            *"BEGIN CERTIFICATE"*) body='' inside=true ;;
            *"END CERTIFICATE"*)
                printf '%s' "$body" | sha256sum | cut -c 1-12
                inside=false
                ;;
            *) ! $inside || body+=$line ;;
        esac
    done <"$1"
}

# issuer_first LEAF FILE: the digests of FILE, the one that issued LEAF first. The order in FILE says nothing: who reads a file
# only when it starts shall not start again because another one issues.
issuer_first() {
    local parts part first='' others=()
    parts=$(mktemp --directory)
    awk -v folder="$parts" '/BEGIN CERTIFICATE/ { number++ } number { print >(folder "/" number) }' "$2"
    for part in "$parts"/*; do
        if openssl verify -no_check_time -partial_chain -CAfile "$part" "$1" >/dev/null 2>&1; then
            first=$(digests "$part")
        else
            others+=("$(digests "$part")")
        fi
    done
    rm -rf -- "$parts"
    [ -n "$first" ] || fail "no authority in $2 issued $1"
    printf '%s\n' "$first" "${others[@]}"
}

# refuse_skipped_stage: between `now` and `wanted`, digests of trusted authorities with the one that issues first, may be one
# stage of a rotation.
refuse_skipped_stage() {
    is_one_of "${wanted[0]}" "${now[@]}" \
        || fail "this machine does not trust the authorities of generation $GENERATION yet, which are to issue: first an \`up\` that" \
            "only adds $GENERATION to certificates.authorities.trusted"
    is_one_of "${now[0]}" "${wanted[@]}" \
        || fail "the authorities that issued this machine's certificates are not to be trusted any more: first an \`up\` that only" \
            "changes certificates.authorities.issuing"
}
