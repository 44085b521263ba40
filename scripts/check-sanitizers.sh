#!/usr/bin/env bash
# Runs the C programs under sanitizers: AddressSanitizer with leak detection and UndefinedBehaviorSanitizer for all of
# them, ThreadSanitizer for those about threads and for the unit tests of the core.
#
#   scripts/check-sanitizers.sh [address|thread]...   both, if none is named
#
#   JOBS=2               programs at once
#   SESSCACHE_LIB=FILE   the plain library, if not target/release/libsesscache.so
#
# Programs, harness and library are all built with the sanitizer, and share the C compiler's runtime. For the library that takes a nightly
# toolchain: without one the library is a plain one in the address run, and the thread run is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}/sanitizers
host=x86_64-unknown-linux-gnu
jobs=${JOBS:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
table=()

die() { echo "check-sanitizers: $*" >&2; exit 1; }
say() { echo "check-sanitizers: $*"; }
plain=$(realpath -e "${SESSCACHE_LIB:-${CARGO_TARGET_DIR:-target}/release/libsesscache.so}") ||
    die 'there is no library: run make'
for variable in ${!SESSCACHE_*}; do unset "$variable"; done
unset LD_PRELOAD RUSTFLAGS

# The sanitizers' shadow memory does not go with every layout of a process. Where the kernel forbids this, it is tried as it is.
fixed=(setarch "$(uname -m)" -R)
if ! "${fixed[@]}" true 2>/dev/null; then fixed=(); fi

nightly() {
    rustup toolchain list 2>/dev/null | awk '$1 ~ /^nightly/ {print $1; exit}'
}

runtime_of() {
    local file
    case $1 in address) file=libasan.so ;; thread) file=libtsan.so ;; esac
    file=$(cc -print-file-name="$file")
    [ -e "$file" ] || die "the C compiler has no runtime for the $1 sanitizer"
    realpath "$file"
}

# The name of the slow way into a lock, which differs between releases.
lock_contended() {
    grep -aoh '_RNvM[A-Za-z0-9]*_3std3sys4sync5mutex5futex[A-Za-z0-9]*_5Mutex14lock_contended' \
        "$(rustc "+$1" --print sysroot)/lib/rustlib/$host/lib"/libstd-*.rlib | sort -u
}

# Sets $arguments: what is linked in so that ThreadSanitizer understands Rust. See the files.
link_for_threads() {
    local toolchain=$1 name file
    shift
    arguments=()
    mkdir -p "$target"
    name=$(lock_contended "$toolchain") || true
    if [ -z "$name" ] || [ "$(wc -l <<<"$name")" != 1 ]; then
        die "the standard library of $toolchain has another kind of lock: c_tests/sanitizers/locks.c does not fit"
    fi
    for file in "$@"; do
        cc -O2 -g -fPIC -fno-builtin -DLOCK_CONTENDED="\"$name\"" -c "c_tests/sanitizers/$file.c" -o "$target/$file.o"
        arguments+=("-Clink-arg=$(realpath "$target/$file.o")")
    done
    arguments+=("-Clink-arg=-Wl,--wrap=$name")
}

instrumented() {
    local sanitizer=$1 toolchain=$2
    shift 2
    RUSTFLAGS="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer" CARGO_TARGET_DIR=$target/$sanitizer \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo "+$toolchain" rustc --quiet --lib --target "$host" "$@"
}

# Sets $library. -z defs is in force, so a runtime that lacks anything which the code asks for is found out here.
build_library() {
    local sanitizer=$1 toolchain=$2 arguments=()
    if [ "$sanitizer" = thread ]; then link_for_threads "$toolchain" memory locks; fi
    say "the library, with the $sanitizer sanitizer by $toolchain"
    instrumented "$sanitizer" "$toolchain" --release --crate-type cdylib -- \
        "${arguments[@]}" "-Clink-arg=$(runtime_of "$sanitizer")"
    library=$(realpath "$target/$sanitizer/$host/release/libsesscache.so")
}

is_instrumented() {
    local prefix=$1
    nm -D "$library" | grep " U ${prefix}" >/dev/null || die "there is no sanitizer in $library"
}

# A program that is wrong on purpose must be found out; where the fault is the library's, one without sanitizer must not.
must_be_found() {
    local sanitizer=$1 file=$2 expected=$3 with=$4 flags=-fsanitize=$1 status=0
    if [ "$sanitizer" = address ]; then flags+=,undefined; fi
    # shellcheck disable=SC2086  # `with` is words or nothing
    cc -std=gnu11 -g -O1 -w -pthread "$flags" -Iinclude -o "$work/$file" "c_tests/sanitizers/$file.c" $with -lssl -lcrypto
    LD_LIBRARY_PATH=$work timeout 60 "${fixed[@]}" "$work/$file" >"$work/$file.log" 2>&1 || status=$?
    if [ -z "$expected" ]; then
        [ $status = 0 ] || die "$file: a library without sanitizer was found out: it proves nothing. $(cat "$work/$file.log")"
        return
    fi
    if [ $status = 0 ] || ! grep -q "$expected" "$work/$file.log"; then
        die "the $sanitizer sanitizer did not find the fault of $file.c: $(cat "$work/$file.log")"
    fi
    say "finds the fault of c_tests/sanitizers/$file.c ($expected)"
}

# With the library under its name in $work.
faults_in_library() {
    local sanitizer=$1 file=$2 expected=$3
    ln -sf "$library" "$work/libsesscache.so"
    ln -sf "$library" "$work/libsesscache.so.0"
    must_be_found "$sanitizer" "$file" "$expected" "-Wl,--no-as-needed -L$work -lsesscache"
    ln -sf "$plain" "$work/libsesscache.so"
    ln -sf "$plain" "$work/libsesscache.so.0"
    must_be_found "$sanitizer" "$file" '' "-Wl,--no-as-needed -L$work -lsesscache"
}

# libssl itself with the sanitizer: it shares its objects with the library.
build_libssl() {
    SANITIZE=$1 scripts/build-openssl.sh 3.6 symbolic
}

c_programs() {
    local sanitizer=$1 log=$target/$1.log status=0
    SESSCACHE_SANITIZE=$sanitizer SESSCACHE_LIB=$library "${fixed[@]}" cargo test --quiet --no-default-features \
        --test c_programs -- --test-threads "$jobs" >"$log" 2>&1 || status=$?
    if [ $status != 0 ]; then
        sed -n '/^failures:/,$p' "$log" >&2
        die "C programs failed under the $sanitizer sanitizer: $log"
    fi
    result=$(sed -n 's/^test result: ok. \([0-9]* passed\).*/\1/p' "$log")
    case $result in '' | '0 passed') die "no C program ran under the $sanitizer sanitizer: $log" ;; esac
    say "C programs under the $sanitizer sanitizer: $result"
}

unit_tests() {
    local toolchain=$1 log=$target/thread-units.log arguments
    link_for_threads "$toolchain" locks
    instrumented thread "$toolchain" --profile test --no-default-features -- "${arguments[@]}"
    # One binary is new: cargo names it by a hash.
    local binary
    binary=$(find "$target/thread/$host/debug/deps" -name 'sesscache-*' -type f -executable -printf '%T@ %p\n' | sort -n | tail -n 1)
    binary=${binary#* }
    nm "$binary" | grep ' __tsan_write8$' >/dev/null || die "there is no sanitizer in $binary"
    TSAN_OPTIONS="suppressions=$PWD/c_tests/sanitizers/races.supp:print_suppressions=0" \
        "${fixed[@]}" timeout 900 "$binary" --test-threads "$jobs" cache:: >"$log" 2>&1 ||
        { grep -A 40 'WARNING: Thread' "$log" >&2; die "the core's unit tests failed under the thread sanitizer: $log"; }
    units=$(sed -n 's/^test result: ok. \([0-9]* passed\).*/\1/p' "$log")
    say "unit tests of the core under the thread sanitizer: $units"
}

check_address() {
    local toolchain how
    toolchain=$(nightly)
    library=$plain how='programs alone (no nightly toolchain)'
    must_be_found address overflow 'AddressSanitizer: heap-buffer-overflow' ''
    if [ -n "$toolchain" ]; then
        build_library address "$toolchain"
        is_instrumented __asan_
        faults_in_library address use_after_free 'AddressSanitizer: heap-use-after-free'
        how='programs, library, one libssl of three'
    else
        say 'no nightly toolchain: the library is not built with the address sanitizer'
    fi
    build_libssl address
    c_programs address
    table+=("all C programs|address, undefined, leaks|$how|$result")
}

check_thread() {
    local toolchain
    toolchain=$(nightly)
    if [ -z "$toolchain" ]; then
        say 'the thread sanitizer is skipped: it takes a nightly toolchain (rustup toolchain install nightly)'
        table+=("threads*|thread|skipped: no nightly toolchain|")
        return
    fi
    build_library thread "$toolchain"
    is_instrumented __tsan_
    faults_in_library thread race 'ThreadSanitizer: data race'
    unit_tests "$toolchain"
    build_libssl thread
    c_programs thread
    table+=("threads*|thread|programs, library, libssl|$result")
    table+=("unit tests of the core|thread|tests, core|$units")
}

# Those that the first line of a program asks for.
valgrind_rows() {
    local tool count
    for tool in memcheck helgrind drd; do
        count=$({ grep -l "^/\* test:.*valgrind=$tool" c_tests/*.c c_tests/*.cc || true; } | wc -l)
        if [ "$count" -gt 0 ]; then table+=("$count C programs|valgrind $tool|no build of their own|in make check"); fi
    done
}

if [ $# = 0 ]; then set -- address thread; fi
for sanitizer in "$@"; do
    case $sanitizer in
        address | thread) "check_$sanitizer" ;;
        *) die "there is no sanitizer '$sanitizer': address, thread" ;;
    esac
done
valgrind_rows
{
    echo 'What|Tool|Built with it|Result'
    printf '%s\n' "${table[@]}"
} | column -t -s '|'
