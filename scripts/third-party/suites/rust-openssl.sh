#!/usr/bin/env bash
# The ssl tests of the openssl crate, as it lies on crates.io, linked with the system's libssl.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)
version=0.10.82
tree=$folder/openssl-$version

if [ ! -d "$tree" ]; then
    echo "rust-openssl: fetching the crate openssl $version from crates.io" >&2
    mkdir -p "$folder/fetch/src"
    : >"$folder/fetch/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nopenssl = "=%s"\n[workspace]\n' \
        "$version" >"$folder/fetch/Cargo.toml"
    (cd "$folder/fetch" && rm -rf vendor && cargo vendor --quiet >/dev/null)
    mv "$folder/fetch/vendor/openssl" "$tree"
    rm -rf "$folder/fetch"
    # A workspace of its own, below another's root.
    printf '\n[workspace]\n' >>"$tree/Cargo.toml"
fi

echo "# title rust-openssl $version: ssl::"
cd "$tree"
unset RUSTFLAGS OPENSSL_DIR OPENSSL_LIB_DIR OPENSSL_STATIC
export CARGO_TARGET_DIR=$folder/build
nice cargo test --jobs 2 --lib --no-run >&2
program=$(cargo test --lib --no-run --message-format json 2>/dev/null | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
[ -x "$program" ] || { echo 'rust-openssl: cargo names no test program' >&2; exit 1; }
# The program alone is preloaded: cargo has a libssl of its own.
# shellcheck disable=SC2086  # words
$UNDER "$program" ssl:: >"$folder/trials.log" 2>&1 || true
cat "$folder/trials.log" >&2
"$here/../conformance/cargo_trials.py" "$folder/trials.log"
