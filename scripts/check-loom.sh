#!/usr/bin/env bash
# Runs the loom tests: the core's critical sections under every interleaving of two or three threads. Built apart, since
# its locks are loom's there.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="${RUSTFLAGS:-} --cfg sesscache_loom"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom
loom() { cargo test --release --no-default-features --lib "$@"; }

loom --no-run
# A filter that matches nothing is a success to cargo. Not to us.
if ! loom --quiet -- loom_tests --list 2>/dev/null | grep ': test$' >/dev/null; then
    echo 'check-loom: no loom test was found: expected modules named loom_tests under src/' >&2
    exit 1
fi
loom -- loom_tests
