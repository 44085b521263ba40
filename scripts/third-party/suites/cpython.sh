#!/usr/bin/env bash
# CPython's test_ssl, out of Debian's package of the test suite, with Debian's interpreter.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)

echo "# title CPython $(dpkg-query -W -f '${Version}' libpython3.11-testsuite): test_ssl"
rm -f "$folder/results"
# shellcheck disable=SC2086  # words
(cd "$folder" && $UNDER /usr/bin/python3 -I "$here/unittest_results.py" test.test_ssl "$folder/results") >&2
cat "$folder/results"
