# shellcheck shell=bash
# Which of several authorities issued a certificate. Sourced after digests.sh.

# issuer_first LEAF FILE: the digests of FILE, the one that issued LEAF first. The order in FILE says nothing: a program that
# reads a file only when it starts must not restart because another authority issues.
issuer_first() {
    local parts part first='' others=()
    parts=$(temporary --directory)
    awk -v folder="$parts" '/BEGIN CERTIFICATE/ { number++ } number { print >(folder "/" number) }' "$2"
    for part in "$parts"/*; do
        if openssl verify -no_check_time -partial_chain -CAfile "$part" "$1" >/dev/null 2>&1; then
            first=$(digests "$part")
        else
            others+=("$(digests "$part")")
        fi
    done
    [ -n "$first" ] || fail "no authority in $2 issued $1"
    printf '%s\n' "$first" "${others[@]}"
}
