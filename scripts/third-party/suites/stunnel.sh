#!/usr/bin/env bash
# stunnel's own suite, from Debian's source package. The program is built from it too: the suite refuses one that was built with
# another OpenSSL than it runs on, as Debian's was as soon as libssl got an update.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$("$here/debian-source.sh" stunnel4)
build=$folder/build

if [ ! -x "$build/src/stunnel" ]; then
    echo 'stunnel: building it' >&2
    rm -rf "$build"
    cp -r "$tree" "$build"
    cd "$build"
    # Debian's patches make some inputs of the autotools look newer than what was made from them.
    { ./configure --disable-systemd --disable-libwrap &&
        make AUTOMAKE=: ACLOCAL=: AUTOCONF=: AUTOHEADER=: --jobs=2 -C src stunnel; } >build.log 2>&1 ||
        { tail -n 15 build.log >&2; echo "stunnel: it cannot be built: $build/build.log" >&2; exit 1; }
    (cd tests/certs && ./maketestcert.sh) >>build.log 2>&1
fi

echo "# title stunnel $(dpkg-parsechangelog -l "$tree/debian/changelog" -S Version): maketest"
echo '# processes 40'
cd "$build/tests"
# shellcheck disable=SC2086  # words
$UNDER /usr/bin/python3 -B maketest.py >"$folder/maketest.log" 2>&1 || true
cat "$folder/maketest.log" >&2
# A line "134. DESCRIPTION", and below it dots and the result.
awk '/^[0-9]+\. / {name = $0; next}
    name != "" && /^\.+ [a-z]+$/ {
        print name "\t" ($2 == "succeeded" ? "pass" : $2 == "skipped" ? "skip" : "fail"); name = ""
    }
    END {if (name != "") print name "\tfail"}' "$folder/maketest.log"
