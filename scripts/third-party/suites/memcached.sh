#!/usr/bin/env bash
# memcached's TLS tests, from Debian's source package, with Debian's server.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$("$here/debian-source.sh" memcached)

echo "# title memcached $(dpkg-query -W -f '${Version}' memcached): t/ssl_*"
echo '# processes 10'
cd "$tree"
# The name that the tests know the server by. Debian's is built without the option that they start it with.
cat >memcached-debug <<'SH'
#!/usr/bin/env bash
words=()
for word in "$@"; do
    if [ "$word" = relaxed_privileges ]; then unset 'words[-1]'; else words+=("$word"); fi
done
exec /usr/bin/memcached "${words[@]}"
SH
chmod +x memcached-debug
# What the tests start it with: it ends a server that is left behind.
[ -x timedrun ] || cc -o timedrun timedrun.c
# shellcheck disable=SC2086  # words
SSL_TEST=1 $UNDER /usr/bin/prove --verbose --merge t/ssl_*.t >"$1/prove.log" || true
cat "$1/prove.log" >&2
"$here/tap.py" <"$1/prove.log"
