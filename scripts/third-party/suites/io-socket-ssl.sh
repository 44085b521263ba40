#!/usr/bin/env bash
# The tests of Perl's IO::Socket::SSL, from Debian's source package, with Debian's build of the module. Not t/external, which
# asks servers on the Internet.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$("$here/debian-source.sh" libio-socket-ssl-perl)

echo "# title IO::Socket::SSL $(dpkg-query -W -f '${Version}' libio-socket-ssl-perl): t"
echo '# processes 20'
cd "$tree"
# shellcheck disable=SC2086  # words
$UNDER /usr/bin/prove --verbose --merge t >"$1/prove.log" || true
cat "$1/prove.log" >&2
"$here/tap.py" <"$1/prove.log"
