#!/usr/bin/env bash
# pyOpenSSL's test_ssl, from the sources on PyPI, with Debian's build of it: wheels bring a libssl of their own.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)
version=$(/usr/bin/python3 -I -c 'import OpenSSL; print(OpenSSL.__version__)')
tree=$folder/pyOpenSSL-$version

if [ ! -d "$tree" ]; then
    echo "pyopenssl: fetching pyOpenSSL $version from PyPI" >&2
    python3 -m pip download --quiet --no-deps --no-binary :all: --dest "$folder" "pyOpenSSL==$version" >&2
    mkdir -p "$folder/fresh"
    tar -xzf "$folder"/py*penssl-"$version".tar.gz -C "$folder/fresh" 2>/dev/null ||
        tar -xzf "$folder/pyOpenSSL-$version.tar.gz" -C "$folder/fresh"
    # Its own copy of the module would stand before Debian's.
    rm -rf "$folder"/fresh/*/src
    mv "$folder"/fresh/* "$tree"
fi

echo "# title pyOpenSSL $(dpkg-query -W -f '${Version}' python3-openssl): test_ssl"
cd "$tree"
rm -f "$folder/report.xml"
# shellcheck disable=SC2086  # words
$UNDER /usr/bin/python3 -m pytest -p no:cacheprovider --junitxml="$folder/report.xml" tests/test_ssl.py >&2 || true
"$here/junit.py" "$folder/report.xml"
