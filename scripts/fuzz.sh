#!/usr/bin/env bash
# Fuzzes for MINUTES (60) in all: every target of fuzz/ by coverage, and the differential programs by chance.
#
#   scripts/fuzz.sh [MINUTES] [TARGET...]
#
# What is found stays in target/fuzz/artifacts/TARGET/ and ends the run with a failure; `fuzz.sh` names the command that shows it
# again. What is learnt stays in target/fuzz/corpus/TARGET/. `fuzz.sh minimise` makes the committed fuzz/corpus/TARGET/ of it.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "fuzz: $*" >&2; exit 1; }

# Coverage is a flag of the compiler that only a nightly one takes, or one that takes itself for such.
toolchain=
if rustc +nightly --version >/dev/null 2>&1; then toolchain=+nightly; else export RUSTC_BOOTSTRAP=1; fi

work=$PWD/target/fuzz
case ${CARGO_TARGET_DIR:-} in /*) work=$CARGO_TARGET_DIR/fuzz ;; '') ;; *) work=$PWD/$CARGO_TARGET_DIR/fuzz ;; esac
programs=$work/x86_64-unknown-linux-gnu/release
# How many files of a corpus are worth to be committed, and how long each may be.
files=60 length=600

build() {
    if ! cargo fuzz --version >/dev/null 2>&1; then
        echo 'fuzz: cargo-fuzz is missing; installing it'
        cargo install --locked cargo-fuzz --version 0.13.2
    fi
    # Nothing of ours that is fuzzed without libssl has unsafe code, and libssl is not built for a sanitizer.
    # shellcheck disable=SC2086  # empty, or one word
    CARGO_TARGET_DIR=$work cargo $toolchain fuzz build --sanitizer none
}

# target seconds [NAME=VALUE...]: one run of it
run() {
    local target=$1 seconds=$2 learnt=$work/corpus/$1 found=$work/artifacts/$1
    shift 2
    mkdir -p "$learnt" "$found"
    touch "$work/begun"
    echo "== $target $* for $seconds s"
    env "$@" "$programs/$target" "$learnt" "fuzz/corpus/$target" -max_total_time="$seconds" -timeout=60 \
        -max_len=4096 -len_control=20 -print_final_stats=1 -artifact_prefix="$found/" >"$work/$target.log" 2>&1 || {
        tail -n 40 "$work/$target.log"
        die "$target found something. Again: env $* $programs/$target $(find "$found" -type f -newer "$work/begun")"
    }
    sed -n 's/^stat::\(number_of_executed_units\|average_exec_per_sec\|peak_rss_mb\): */  \1 /p' "$work/$target.log"
}

# The releases that the fake plays, and the libssls that call themselves directly: only past those can one get.
variants() {
    case $1 in
        shim) printf 'SESSCACHE_FAKE_VERSION=%s\n' 1.1.1 3.0 3.5 4.0 ;;
        calls)
            echo SESSCACHE_FUZZ_LIBSSL=libssl.so.3
            for lib in target/openssl/3.*-symbolic/lib; do
                if [ -d "$lib" ]; then echo "LD_LIBRARY_PATH=$PWD/$lib"; fi
            done ;;
        *) echo SESSCACHE_LOG=off ;;
    esac
}

fuzz() {
    local minutes=$1 target variant
    shift
    local targets=("$@") runs=0
    [ $# -gt 0 ] || mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs)
    for target in "${targets[@]}"; do runs=$((runs + $(variants "$target" | wc -l))); done
    # The differential programs get as much time as all targets together.
    local seconds=$((minutes * 60 / 2 / runs))
    [ "$seconds" -ge 1 ] || seconds=1
    for target in "${targets[@]}"; do
        [ -x "$programs/$target" ] || die "there is no target $target in fuzz/fuzz_targets"
        for variant in $(variants "$target"); do run "$target" "$seconds" "$variant"; done
    done
    [ $# -gt 0 ] || differential $((minutes * 30))
}

# As many programs as fit, by the rate of a first few hundred.
differential() {
    local seconds=$1 begun=$SECONDS few=300 rate
    [ -d tests/differential ] || return 0
    play "$few"
    rate=$((SECONDS - begun))
    [ "$rate" -gt 0 ] || rate=1
    play $((few * seconds / rate + 1))
}

play() {
    echo "== differential: $1 programs"
    env -u SESSCACHE_DIFF_REPLAY -u SESSCACHE_DIFF_AGAINST -u SESSCACHE_DIFF_FIRST SESSCACHE_DIFF_PROGRAMS="$1" cargo test --no-default-features --test differential
}

# The few small files that reach what all together reach.
minimise() {
    local target keep
    for target in $(basename -s .rs fuzz/fuzz_targets/*.rs); do
        keep=$work/keep/$target
        rm -rf "$keep"
        mkdir -p "$keep" "$work/corpus/$target"
        "$programs/$target" -merge=1 -max_len=$length "$keep" "fuzz/corpus/$target" "$work/corpus/$target" 2>/dev/null
        rm -f "fuzz/corpus/$target"/*
        # The largest ones reach the most; some small ones make a failure readable.
        find "$keep" -type f -printf '%s %f\n' | sort -rn | cut -d' ' -f2 | awk -v n=$files 'NR <= n * 2 / 3 { print; next } { rest[++m] = $0 }
            END { for (i = m; i > 0 && i > m - n / 3; i--) print rest[i] }' |
            while read -r file; do cp "$keep/$file" "fuzz/corpus/$target/${file:0:12}"; done
        echo "$target: $(find "fuzz/corpus/$target" -type f | wc -l) files, $(du -sb "fuzz/corpus/$target" | cut -f1) bytes"
    done
}

build
case ${1:-60} in
    minimise) minimise ;;
    *[!0-9]*) die "how many minutes? $1 is no number" ;;
    *) fuzz "${1:-60}" "${@:2}" ;;
esac
