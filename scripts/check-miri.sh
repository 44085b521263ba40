#!/usr/bin/env bash
# Runs the unit tests of core, host tier and shim (the latter over its fake libssl) under Miri, with whichever installed toolchain has it; says so and succeeds where none has.
set -euo pipefail
cd "$(dirname "$0")/.."

toolchain() {
    local name
    if cargo miri --version >/dev/null 2>&1; then echo; return; fi
    for name in $(rustup toolchain list 2>/dev/null | awk '{print $1}'); do
        if cargo "+$name" miri --version >/dev/null 2>&1; then echo "+$name"; return; fi
    done
    return 1
}

if ! chosen=$(toolchain); then
    echo 'check-miri: skipped, no installed toolchain has Miri. To have it: rustup toolchain install nightly --component miri,rust-src'
    exit 0
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri
# The clock and the environment are read; nothing else of the system is touched. The log would look at the file behind
# descriptor 2, which Miri cannot.
export SESSCACHE_LOG=off
export MIRIFLAGS="${MIRIFLAGS:-} -Zmiri-disable-isolation"
# Fewer random cases: Miri is some hundred times slower.
export PROPTEST_CASES=${PROPTEST_CASES:-4}
# shellcheck disable=SC2086  # empty, or one word
exec cargo $chosen miri test --no-default-features --features fault-injection --lib -- cache:: shim:: shared::
