#!/usr/bin/env bash
# Compares the library with libssl's own cache: the same programs (benches/*.c), stock and preloaded, taking turns.
#
#   scripts/bench.sh           everything: a quarter of an hour and 4 GB of memory; writes docs/benchmarks.md
#   QUICK=1 scripts/bench.sh   less of it, in less than a minute; writes target/benches/NAME/benchmarks.md
#
#   SESSCACHE_LIB=FILE         the library, if not target/release/libsesscache.so
#   LIBSSL_DIR=DIR             another libssl than the system's, as scripts/build-openssl.sh makes them (with lib and include)
#   OUTPUT=FILE                where to write
#
# Ends with 0 whether or not the targets are reached; the table says which are.
set -euo pipefail
cd "$(dirname "$0")/.."

library=${SESSCACHE_LIB:-${CARGO_TARGET_DIR:-target}/release/libsesscache.so}
libssl_dir=${LIBSSL_DIR:-}
name=${libssl_dir:+$(basename "$libssl_dir")}
name=${name:-system}
build=${CARGO_TARGET_DIR:-target}/benches/$name
limit=600   # seconds for one step of one program, on a machine that is busy with other things
samples=$build/samples.tsv
declare -A input output process

die() { echo "bench: $*" >&2; exit 1; }
say() { echo "bench: $*" >&2; }

if [ -n "${QUICK:-}" ]; then
    rounds=3 large_rounds=1 turns=1 handshake_turns=6 contexts=5000
    output_file=${OUTPUT:-$build/benchmarks.md}
else
    rounds=7 large_rounds=7 turns=3 handshake_turns=20 contexts=100000
    output_file=${OUTPUT:-$([ "$name" = system ] && echo docs/benchmarks.md || echo "$build/benchmarks.md")}
fi

# Settings of the library are for the user's own programs, not for a comparison.
for variable in ${!SESSCACHE_*}; do unset "$variable"; done
unset LD_PRELOAD

compile() {
    local program flags=(-std=gnu11 -O2 -g -Wall -Wextra -Werror -pthread -Ibenches -Ic_tests/harness)
    if [ -n "$libssl_dir" ]; then
        flags+=(-I"$libssl_dir/include" -L"$libssl_dir/lib")
        export LD_LIBRARY_PATH=$libssl_dir/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    fi
    for program in cache handshake context; do
        cc "${flags[@]}" -o "$build/${program}_bench" "benches/${program}_bench.c" benches/rounds.c \
            c_tests/harness/certificates.c c_tests/harness/facts.c -lssl -lcrypto
    done
    # A copy, so that a library that is built anew meanwhile does not end up in half of the table.
    cp "$library" "$build/libsesscache.so"
}

# Starts a program as stock or ours, and sees that it is.
launch() {
    local who=$1 preload='' greeting reader writer
    shift
    if [ "$who" = ours ]; then preload=$(realpath "$build/libsesscache.so"); fi
    rm -f "$build/in" "$build/out"
    mkfifo "$build/in" "$build/out"
    env ${preload:+LD_PRELOAD="$preload"} "$build/$1_bench" "${@:2}" <"$build/in" >"$build/out" &
    process[$who]=$!
    exec {writer}>"$build/in" {reader}<"$build/out"
    rm "$build/in" "$build/out"
    input[$who]=$writer output[$who]=$reader
    read -r -t "$limit" -u "$reader" greeting version || die "$1_bench did not start"
    [ "$greeting" = "$who" ] || die "$1_bench should be $who and is $greeting: does this libssl suit the library?"
}

# Lets one of the two do its round; its rows become samples.
take_turn() {
    local who=$1 round=$2 case=$3 row value
    echo >&"${input[$who]}" || die "the program for '$case' is gone ($who, round $round)"
    while read -r -t "$limit" -u "${output[$who]}" row value _; do
        if [ "$row" = . ]; then return; fi
        if [ "$round" != warm-up ]; then printf '%s\t%s\t%s\t%s\t%s\n' "$case" "$row" "$round" "$who" "$value" >>"$samples"; fi
    done
    die "the program for '$case' stopped ($who, round $round); its message, if any, is above"
}

# The second one's input is open in nobody else, so it goes first.
finish() {
    local who input_of output_of
    for who in ours stock; do
        input_of=${input[$who]} output_of=${output[$who]}
        exec {input_of}>&- {output_of}<&-
        wait "${process[$who]}" || die "a program failed at its end ($who)"
        unset "process[$who]"
    done
}

stop_all() {
    local pid
    for pid in "${process[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
}
trap stop_all EXIT
trap '' PIPE   # a program that is gone shows in a write that fails

# compare ROUNDS TURNS PROGRAM ARGUMENTS...: in each round a new pair of processes, which take turns, the first now this and now
# that one. With more than one turn there is one to warm up. A round's value is the median of its turns.
compare() {
    local count=$1 each=$2 round turn who order case="${*:3}"
    shift 2
    say "$case"
    for round in $(seq "$count"); do
        launch stock "$@"
        launch ours "$@"
        if [ "$each" -gt 1 ]; then take_turn stock warm-up "$case"; take_turn ours warm-up "$case"; fi
        for turn in $(seq "$each"); do
            if [ $(((round + turn) % 2)) = 0 ]; then order='stock ours'; else order='ours stock'; fi
            for who in $order; do take_turn "$who" "$round" "$case"; done
        done
        finish
    done
}

# Instructions an operation: free of noise and of the processor's caches, so it shows how the work itself grows.
count_instructions() {
    local sessions=$1 timeouts=$2 case="cache $1 $2 1" log=$build/callgrind.log
    say "$case under callgrind"
    rm -f "$build"/callgrind.out*
    echo | LD_PRELOAD=$(realpath "$build/libsesscache.so") timeout "$limit" valgrind --tool=callgrind --toggle-collect='work_*' \
        --callgrind-out-file="$build/callgrind.out" "$build/cache_bench" "$sessions" "$timeouts" 1 2>"$log" >"$build/operations" ||
        { tail -n 5 "$log" >&2; die 'valgrind failed'; }
    callgrind_annotate --auto=no --inclusive=yes --threshold=100 "$build/callgrind.out" |
        awk -v label="$case" '
            NR == FNR { operations["work_" $1] = $3; next }
            match($0, /:work_[a-z]+/) {
                name = substr($0, RSTART + 1, RLENGTH - 1)
                gsub(/,/, "", $1)
                if (operations[name] > 0) printf "%s\t%s\t1\tinstructions\t%.1f\n", label, substr(name, 6), $1 / operations[name]
            }' "$build/operations" - >>"$samples"
}

describe_machine() {
    echo "date=$(date -u +%Y-%m-%d)"
    echo "processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    echo "kernel=$(uname -sr)"
    echo "load=$(cut -d ' ' -f 1 /proc/loadavg)"
    echo "libssl=$version$([ -z "$libssl_dir" ] || echo " ($name)")"
    echo "library=sesscache $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1), $(rustc --version | cut -d ' ' -f 1-2)," \
        "source $(git describe --always --dirty 2>/dev/null || echo unknown), file $(sha256sum "$build/libsesscache.so" | cut -c 1-12)"
    echo "quick=${QUICK:-}"
    echo "rounds=$rounds"
    echo "contexts=$contexts"
}

[ -e "$library" ] || die "$library is missing: run make"
for tool in cc awk rustc; do command -v $tool >/dev/null || die "$tool is missing: run scripts/install-deps.sh build"; done
mkdir -p "$build"
: >"$samples"
compile

for protocol in tls12-id tls13-stateful; do
    for threads in 1 2; do compare "$rounds" "$handshake_turns" handshake $protocol $threads; done
done
for threads in 1 2; do
    for timeouts in equal mixed; do
        for sessions in 1000 20000; do compare "$rounds" "$turns" cache $sessions $timeouts $threads; done
        # In a hurry, of the large ones only that which stands under a target.
        if [ -z "${QUICK:-}" ] || [ "$timeouts $threads" = 'equal 1' ]; then compare "$large_rounds" 1 cache 1000000 $timeouts $threads; fi
    done
done
compare "$rounds" "$turns" cache 20000 ordered 1
compare "$rounds" "$handshake_turns" context time
compare 1 1 context memory "$contexts"
if [ -z "${QUICK:-}" ] && command -v callgrind_annotate >/dev/null; then
    for timeouts in equal mixed; do
        for sessions in 1000 20000 1000000; do count_instructions $sessions $timeouts; done
    done
fi

describe_machine >"$build/machine"
mkdir -p "$(dirname "$output_file")"
awk -f benches/report.awk "$build/machine" "$samples" >"$build/report.md"
mv "$build/report.md" "$output_file"
cat "$output_file"
say "written to $output_file"
