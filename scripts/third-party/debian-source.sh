#!/usr/bin/env bash
# Fetches and unpacks a Debian source package, with Debian's patches, unless it is there:
#
#   scripts/third-party/debian-source.sh PACKAGE
#
# and prints the folder. The version is the distribution's newest that the mirror still has whole. It uses a package index of its own, so that neither
# root nor a deb-src line is needed; apt checks the signatures.
set -euo pipefail

die() { echo "debian-source: $*" >&2; exit 1; }

[ $# = 1 ] || die 'usage: scripts/third-party/debian-source.sh PACKAGE'
package=$1
store=$(cd "$(dirname "$0")/../.." && pwd)/target/third-party/source
out=$store/$package

if [ -d "$out" ]; then echo "$out"; exit 0; fi
command -v apt-get >/dev/null || die 'this system has no apt-get: the suites come from Debian'
command -v dpkg-source >/dev/null || die 'dpkg-source is missing: run scripts/install-deps.sh third-party'

index=$store/.index
mkdir -p "$index/lists/partial"
# Some mirror lacks a file of one archive that it has for another: each archive is asked by itself.
list() { echo "$index/$1.list"; }
apt_options() {
    options=(-qq -o "Dir::Etc::SourceList=$1" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$index/lists"
             -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o "APT::Sandbox::User=$(id -un)")
}

# The index is fetched once; a run that ends before that leaves no mark of completion behind.
apt_options "$(list all)"
if [ ! -e "$index/complete" ]; then
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        sort -u | while read -r uri release component; do
            echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release $component"
        done >"$(list all)"
    [ -s "$(list all)" ] || die 'apt knows no Debian archive: run apt-get update'
    apt-get "${options[@]}" update >&2 || die 'apt could not fetch the index of the source packages'
    touch "$index/complete"
fi

# Unpacked elsewhere first: a tree cut short must not be taken for a whole one by the next run.
fresh=$store/.$package
candidates=$(while read -r line; do
    name=$(cksum <<<"$line" | cut -d ' ' -f 1)
    echo "$line" >"$(list "$name")"
    apt_options "$(list "$name")"
    apt-cache "${options[@]}" showsrc --only-source "$package" 2>/dev/null | sed -n "s/^Version: \(.*\)/\1 $name/p"
done <"$(list all)" | sort -k 1,1rV)
while read -r version name; do
    apt_options "$(list "$name")"
    rm -rf "$fresh"
    mkdir -p "$fresh"
    cd "$fresh"
    echo "debian-source: fetching the source package $package $version from Debian" >&2
    apt-get "${options[@]}" source --download-only "$package=$version" >&2 || continue
    dpkg-source --no-check -x ./*.dsc tree >unpack.log 2>&1 || { tail -n 5 unpack.log >&2; die "cannot unpack $package"; }
    mv tree "$out"
    rm -rf "$fresh"
    echo "$out"
    exit 0
done <<<"$candidates"
die "no version of the source package $package could be fetched"
