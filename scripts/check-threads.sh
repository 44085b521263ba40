#!/usr/bin/env bash
# The random programs among threads, with many seeds: with libssl alone and with the library in front of it, on every libssl
# there is. `make check` runs each with one seed.
#
#   MINUTES=10       how long
#   SEED=1           where to begin
#   TURNS=N          how long one run is, instead of what the program thinks is enough
#   SESSCACHE_LIB=FILE   the library, if not target/release/libsesscache.so
#
# Whatever fails is told with its seed. The order of the threads is chance all the same: a seed that failed may have to be run more than
# once.
set -euo pipefail
cd "$(dirname "$0")/.."

library=$(realpath "${SESSCACHE_LIB:-${CARGO_TARGET_DIR:-target}/release/libsesscache.so}") ||
    { echo "check-threads: there is no library: run make" >&2; exit 1; }
build=${CARGO_TARGET_DIR:-target}/threads
programs='threads_invariants threads_resumption'
limit=120   # seconds for one run
minutes=${MINUTES:-10}
seed=${SEED:-1}
runs=0
failures=0

die() { echo "check-threads: $*" >&2; exit 1; }
for variable in ${!SESSCACHE_*}; do unset "$variable"; done
unset LD_PRELOAD

libraries_of() { if [ "$1" = system ]; then echo; else echo "$PWD/target/openssl/$1/lib"; fi; }

compile() {
    local libssl=$1 program flags=(-std=gnu11 -O1 -g -Wall -Wextra -Werror -pthread -Iinclude)
    mkdir -p "$build/$libssl"
    if [ "$libssl" != system ]; then
        flags+=("-Itarget/openssl/$libssl/include" "-Ltarget/openssl/$libssl/lib")
    fi
    for program in $programs; do
        cc "${flags[@]}" -o "$build/$libssl/$program" "c_tests/$program.c" c_tests/harness/*.c -lssl -lcrypto -ldl ||
            die "$program does not compile for $libssl"
    done
}

# One run; its output must be that of the first run with libssl alone.
run() {
    local program=$1 libssl=$2 way=$3 preload='' status=0 expected=$build/$2/$1.expected
    if [ "$way" = preload ]; then preload=$library; fi
    env MALLOC_PERTURB_=165 OPENSSL_CONF=/dev/null LD_LIBRARY_PATH="$(libraries_of "$libssl")" LD_PRELOAD="$preload" \
        timeout "$limit" "$build/$libssl/$program" "$seed" ${TURNS:+"$TURNS"} >"$build/out" 2>"$build/err" || status=$?
    runs=$((runs + 1))
    if [ ! -e "$expected" ]; then cp "$build/out" "$expected"; fi
    if [ "$status" = 0 ] && [ ! -s "$build/err" ] && cmp -s "$build/out" "$expected"; then return; fi
    failures=$((failures + 1))
    echo "check-threads: $program with seed $seed on $libssl, $way: status $status" >&2
    tail -n 5 "$build/out" "$build/err" >&2
    echo "  again: SEED=$seed MINUTES=0 scripts/check-threads.sh" >&2
}

libssls=system
for folder in target/openssl/*-{symbolic,plt}; do
    if [ -e "$folder/lib/libssl.so" ]; then libssls+=" ${folder##*/}"; fi
done
for libssl in $libssls; do compile "$libssl"; done
rm -f "$build"/*/*.expected
end=$((SECONDS + minutes * 60))
first=$seed
while :; do
    for libssl in $libssls; do
        for program in $programs; do
            run "$program" "$libssl" stock
            run "$program" "$libssl" preload
        done
    done
    if [ $SECONDS -ge $end ]; then break; fi
    seed=$((seed + 1))
done
echo "check-threads: $runs runs with seeds $first to $seed on $(wc -w <<<"$libssls") libssls, $failures failed"
[ $failures = 0 ]
