#!/usr/bin/env bash
# The local tests of Perl's Net::SSLeay, from Debian's source package, with Debian's build of the module.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$("$here/debian-source.sh" libnet-ssleay-perl)

echo "# title Net::SSLeay $(dpkg-query -W -f '${Version}' libnet-ssleay-perl): t/local"
echo '# processes 20'
cd "$tree"
# prove ends with a status of its own when a test fails, which the comparison judges.
# shellcheck disable=SC2086  # words
$UNDER /usr/bin/prove --verbose --merge -I inc t/local >"$1/prove.log" || true
cat "$1/prove.log" >&2
"$here/tap.py" <"$1/prove.log"
