#!/usr/bin/env bash
# Other projects' own TLS test suites, with libssl alone and with the library preloaded, compared test by test:
#
#   scripts/check-third-party.sh [SUITE...]      SUITE: a file of scripts/third-party/suites, without .sh; all of them by default
#
# Whatever a test gives with libssl alone it must give with the library too, and the library must have served the processes
# that the suite tests. The suites come from Debian's source packages, crates.io and PyPI, and are kept in target/third-party.
#
#   SESSCACHE_LIB     the library; target/release/libsesscache.so by default
#   SHARED=anon       with SESSCACHE_SHARED=anon: how little the shared profile changes. docs/conformance.md is left as it is
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
library=$(realpath -m "${SESSCACHE_LIB:-$root/target/release/libsesscache.so}")
cd "$root"
suites=$root/scripts/third-party/suites
store=$root/target/third-party
# A suite that hangs must not hang the check.
LIMIT=1500
ROUNDS=3
failed=()
profile=()
if [ -n "${SHARED:-}" ]; then profile=("SESSCACHE_SHARED=$SHARED"); fi

die() { echo "check-third-party: $*" >&2; exit 1; }
say() { echo "check-third-party: $*"; }

checksum() { sha256sum "$library" | cut -d ' ' -f 1; }
every_suite() { for file in "$suites"/*.sh; do basename "$file" .sh; done; }

# Runs a suite once and leaves SIDE.tsv, one line for each test; SIDE is stock or preloaded. $UNDER stands before the suite's command.
run() {
    local suite=$1 side=$2 folder=$store/$1
    say "$suite, $side"
    UNDER=$3 timeout --kill-after=10 "$LIMIT" "$suites/$suite.sh" "$folder" >"$folder/$side.tsv" 2>"$folder/$side.log" || {
        tail -n 15 "$folder/$side.log" >&2
        say "$suite ($side) came to no end of its own; all of it: $folder/$side.log"
        return 1
    }
}

# Timeouts in the suites make some tests a matter of chance on a busy machine. So a suite that gave differences is run again, both
# ways, and the table says in which round all was equal. A difference that stays fails the check; each one is shown.
check() {
    local suite=$1 round
    for round in $(seq "$ROUNDS"); do
        if compare "$suite" "$round"; then return; fi
    done
    return 1
}

compare() {
    local suite=$1 folder=$store/$1
    mkdir -p "$folder"
    rm -f "$folder"/*.tsv "$folder/served.log"
    run "$suite" stock '' || return 1
    [ ! -e "$folder/served.log" ] || { say "$suite: the library got into the run without it"; return 1; }
    run "$suite" preloaded "env ${profile[*]} LD_PRELOAD=$library SESSCACHE_LOG=$folder/served.log:info" || return 1
    scripts/third-party/compare.py "$suite" "$folder" "$sum" "$2"
}

[ -f "$library" ] || die "no library at $library: run make"
# Nothing of the caller's gets into the run without the library.
unset LD_PRELOAD LD_LIBRARY_PATH OPENSSL_CONF
while read -r name; do unset "$name"; done < <(compgen -e SESSCACHE_)
export LC_ALL=C.UTF-8
wanted=("$@")
if [ ${#wanted[@]} = 0 ]; then mapfile -t wanted < <(every_suite); fi
scripts/install-deps.sh build third-party
sum=$(checksum)
say "the library: $library, sha256 $sum"
for suite in "${wanted[@]}"; do
    [ -x "$suites/$suite.sh" ] || die "there is no suite '$suite'; suites: $(every_suite | tr '\n' ' ')"
    check "$suite" || failed+=("$suite")
done
if [ ${#failed[@]} -gt 0 ]; then die "differences: ${failed[*]}"; fi
[ "$(checksum)" = "$sum" ] || die "$library changed under the run: start again"
mapfile -t every < <(every_suite)
[ -n "${SHARED:-}" ] || scripts/conformance/page.py third-party "$sum" "${every[@]}"
say 'every test gives with the library what it gives without it'
