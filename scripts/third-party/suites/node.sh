#!/usr/bin/env bash
# Node's tests of tls, https and sessions, from Debian's source package, with Debian's node: that one uses the system's libssl.
# Another node that is installed is left alone: Debian's is unpacked beside it.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$("$here/debian-source.sh" nodejs)
# Seconds for one test; none of them takes five.
LIMIT=60

debian=$("$here/debian-node.sh")
node=$debian/node
export LD_LIBRARY_PATH=$debian
version=$("$node" --version)
# The suite is written for OpenSSL's default security level; Debian's is one higher, which its keys are too short for.
cat >"$folder/openssl.cnf" <<'CNF'
openssl_conf = all
nodejs_conf = all
[all]
ssl_conf = tls
[tls]
system_default = every_context
[every_context]
CipherString = DEFAULT:@SECLEVEL=1
CNF
export OPENSSL_CONF=$folder/openssl.cnf

echo "# title Node ${version#v} (Debian): test-tls-*, test-https-*, sessions"
echo '# processes 200'
cd "$tree"
run() {
    local test=$1 status=0
    # Node's runner reads the options of a test from this line.
    local flags
    flags=$(sed -n 's|^// Flags: ||p' "$test" | head -n 1)
    # shellcheck disable=SC2086  # words
    timeout --kill-after=5 $LIMIT $UNDER "$node" $flags "$test" >"$folder/one.log" 2>&1 </dev/null || status=$?
    if [ $status = 0 ] && grep -q '^1\.\.0 # Skipped' "$folder/one.log"; then
        echo "$test	skip"
    elif [ $status = 0 ]; then
        echo "$test	pass"
    else
        echo "$test	fail"
        { echo "--- $test ended with status $status"; tail -n 20 "$folder/one.log"; } >&2
    fi
}
for test in test/parallel/test-tls-*.js test/parallel/test-https-*.js test/parallel/test-http2-*secure-session*.js; do run "$test"; done
