#!/bin/sh
# The differential test for as long as is asked for: random programs on each libssl there is, with and without the
# library. Ends at the first round that finds a difference, and says how to replay it.
#
#   scripts/fuzz-differential.sh [PROGRAMS]     so many in all (default 200000), over all libssls
#
# SESSCACHE_DIFF_LIBSSL=3.6 names the libssls; SESSCACHE_DIFF_SEED=1 the first round's seed; SESSCACHE_LIB the library.
set -eu

cd "$(dirname "$0")/.."
programs=${1:-200000}
# So many on each libssl that the test also says which kinds of programs did not come up (coverage.rs).
round=2000
# Those would leave nothing to be made up, or compare libssl with itself.
unset SESSCACHE_DIFF_REPLAY SESSCACHE_DIFF_AGAINST SESSCACHE_DIFF_FIRST
case $programs in
'' | *[!0-9]*)
    echo "fuzz-differential: '$programs' is not a number of programs" >&2
    exit 2
    ;;
esac

lib=${SESSCACHE_LIB:-${CARGO_TARGET_DIR:-target}/release/libsesscache.so}
if [ ! -f "$lib" ]; then
    echo "fuzz-differential: no library at $lib; run make, or name it in SESSCACHE_LIB" >&2
    exit 1
fi
# A copy, so that a build in the meantime does not change what is tested.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp "$lib" "$work/libsesscache.so"

libssls=0
for libssl in system target/openssl/*/lib/libssl.so; do
    [ "$libssl" = system ] || [ -e "$libssl" ] || continue
    name=${libssl%/lib/libssl.so}
    case ${name##*/} in
    *"${SESSCACHE_DIFF_LIBSSL:-}"*) libssls=$((libssls + 1)) ;;
    esac
done
if [ "$libssls" = 0 ]; then
    echo "fuzz-differential: no libssl is named like '$SESSCACHE_DIFF_LIBSSL'; target/openssl and 'system' are looked at" >&2
    exit 1
fi
seed=${SESSCACHE_DIFF_SEED:-$(date +%s)}
done=0
while [ "$done" -lt "$programs" ]; do
    # The last round has what is left, shared among the libssls.
    each=$(((programs - done + libssls - 1) / libssls))
    if [ "$each" -gt "$round" ]; then each=$round; fi
    echo "fuzz-differential: $done of $programs programs, seed $seed"
    SESSCACHE_LIB=$work/libsesscache.so SESSCACHE_DIFF_SEED=$seed SESSCACHE_DIFF_PROGRAMS=$each \
        cargo test --quiet --no-default-features --test differential -- programs
    done=$((done + each * libssls))
    seed=$((seed + 1))
done
echo "fuzz-differential: $done programs, no difference"
