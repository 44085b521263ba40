#!/usr/bin/env bash
# One build of the library on every OpenSSL from 1.1.1 to 4.0, each linked both ways:
#
#   scripts/check-matrix.sh [LIBSSL...]      LIBSSL: system, or VERSION-KIND as in target/openssl; all of them by default
#
# On each: the C programs (stock, preloaded, linked), the differential run, and the server programs that can run on it. What
# each trial gave goes to target/matrix, and the table of docs/conformance.md is made of it once all of it is there.
#
#   AREAS                  of c-programs, differential and servers; all by default
#   SESSCACHE_LIB          the library; target/release/libsesscache.so by default
#   SESSCACHE_DIFF_PROGRAMS  random programs of each differential run; 2000 by default
#   SESSCACHE_DIFF_SEED    their seed; that of the moment by default
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
SESSCACHE_LIB=$(realpath -m "${SESSCACHE_LIB:-$root/target/release/libsesscache.so}")
export SESSCACHE_LIB
cd "$root"
VERSIONS='1.1.1 3.0 3.5 3.6 4.0'
results=$root/target/matrix
export SESSCACHE_DIFF_PROGRAMS=${SESSCACHE_DIFF_PROGRAMS:-2000}
areas=" ${AREAS:-c-programs differential servers} "
export LC_ALL=C SESSCACHE_VALGRIND=both
# What would have the tests do less, or something else, than the table says.
unset SESSCACHE_SERVERS_LIBSSL SESSCACHE_DIFF_LIBSSL SESSCACHE_DIFF_REPLAY SESSCACHE_DIFF_AGAINST SESSCACHE_DIFF_FIRST \
    SESSCACHE_DIFF_SHOW
failed=()

die() { echo "check-matrix: $*" >&2; exit 1; }
say() { echo "check-matrix: $*"; }

every_libssl() {
    local version
    echo system
    for version in $VERSIONS; do printf '%s-symbolic\n%s-plt\n' "$version" "$version"; done
}

checksum() { sha256sum "$SESSCACHE_LIB" | cut -d ' ' -f 1; }
same_library() { [ "$(checksum)" = "$sum" ] || die "$SESSCACHE_LIB changed under the run: start again"; }

# Has it built unless it is there, and notes what it calls itself: a folder's name proves nothing.
prepare() {
    local libssl=$1 home=$root/target/openssl/$1
    if [ "$libssl" = system ]; then /usr/bin/openssl version; return; fi
    scripts/build-openssl.sh "${libssl%-*}" "${libssl##*-}" apps >&2
    LD_LIBRARY_PATH=$home/lib "$home/bin/openssl" version
}

# Runs a test binary's trials for one libssl: run LIBSSL AREA CARGO-ARGUMENTS...
run() {
    local libssl=$1 area=$2 log=$results/$1.$2.log status=0
    shift 2
    # What the tests themselves say is kept apart: it would come between the parts of a line.
    cargo test --no-default-features --no-fail-fast "$@" >"$log" 2>"$log.said" || status=$?
    same_library
    { echo "# library $sum"; scripts/conformance/cargo_trials.py "$log"; } >"$results/$libssl.$area.tsv" || status=1
    say "$libssl $area: $(tally "$results/$libssl.$area.tsv")"
    if [ $status != 0 ]; then
        failed+=("$libssl.$area")
        grep -P '\t(?!pass$)' "$results/$libssl.$area.tsv" || tail -n 15 "$log"
        say "$libssl $area FAILED; all of it: $log and $log.said"
    fi
}

tally() { sed '/^#/d' "$1" | cut -f 2 | sort | uniq -c | awk '{printf "%s%s %s", sep, $1, $2; sep = ", "} END {if (!NR) printf "nothing ran"}'; }

# Debian's server programs are made for libssl 3: on others only OpenSSL's own program is there to be run.
servers() {
    local only=()
    case $1 in
        1.1.1-* | 4.0-*) only=(s_server) ;;
    esac
    if [ "$1" != system ]; then export SESSCACHE_SERVERS_LIBSSL=$1; fi
    run "$1" servers --test servers -- "${only[@]}"
    unset SESSCACHE_SERVERS_LIBSSL
}

one() {
    local libssl=$1
    prepare "$libssl" >"$results/$libssl.version" || die "$libssl cannot be had"
    say "$libssl: $(cat "$results/$libssl.version")"
    if wants c-programs; then run "$libssl" c-programs --test c_programs -- "::$libssl::"; fi
    # Wrong shims are no matter of the version; what is printed among their lines would have to be told apart.
    if wants differential; then
        SESSCACHE_DIFF_LIBSSL=$libssl run "$libssl" differential --test differential -- --test-threads=1 --skip mutants
    fi
    if wants servers; then servers "$libssl"; fi
}

wants() { [[ "$areas" = *" $1 "* ]]; }

[ -f "$SESSCACHE_LIB" ] || die "no library at $SESSCACHE_LIB: run make"
scripts/install-deps.sh build check servers
mkdir -p "$results"
sum=$(checksum)
say "the library on all of them: $SESSCACHE_LIB, sha256 $sum"
wanted=("$@")
if [ ${#wanted[@]} = 0 ]; then mapfile -t wanted < <(every_libssl); fi
for libssl in "${wanted[@]}"; do one "$libssl"; done
same_library

if [ ${#failed[@]} -gt 0 ]; then die "failed: ${failed[*]}"; fi
mapfile -t every < <(every_libssl)
scripts/conformance/page.py matrix "$sum" "${every[@]}"
say "all passed, sha256 $sum"
