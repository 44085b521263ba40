#!/usr/bin/env bash
# The TLS tests of Ruby's openssl library, from Debian's source package of Ruby, with Debian's interpreter.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$("$here/debian-source.sh" ruby3.1)

echo "# title Ruby $(dpkg-query -W -f '${Version}' ruby3.1), openssl: test_ssl, test_ssl_session, test_pair"
cd "$tree"
rm -f "$folder/results"
# Its own status tells of failures, which the comparison judges.
# shellcheck disable=SC2086  # words
RESULTS=$folder/results $UNDER /usr/bin/ruby -I tool/lib -I test/openssl "$here/ruby_results.rb" -v >&2 || true
sort "$folder/results"
