# shellcheck shell=bash
# Certificates of authorities by short names. Sourced after packages.sh.

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
