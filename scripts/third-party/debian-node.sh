#!/usr/bin/env bash
# Fetches and unpacks Debian's nodejs, unless it is there, and prints the folder with its `node` and its libraries: that one
# uses the system's libssl. Another node that is installed is left alone.
set -euo pipefail

die() { echo "debian-node: $*" >&2; exit 1; }

target=$(cd "$(dirname "$0")/../.." && pwd)/target/third-party
out=$target/debian-node
if [ -d "$out" ]; then echo "$out"; exit 0; fi
command -v apt-get >/dev/null || die 'this system has no apt-get: nodejs comes from Debian'

mkdir -p "$target"
exec 9>"$target/.debian-node.lock"
flock 9
if [ -d "$out" ]; then echo "$out"; exit 0; fi
echo "debian-node: fetching Debian's nodejs" >&2
version=$(apt-cache madison libnode108 | awk 'NR == 1 {print $3}')
[ -n "$version" ] || die 'apt knows no libnode108: run apt-get update'
fresh=$target/.debian-node
rm -rf "$fresh"
mkdir -p "$fresh/packages" "$fresh/out"
cd "$fresh/packages"
apt-get -qq -o "APT::Sandbox::User=$(id -un)" download "nodejs=$version" "libnode108=$version" >&2 ||
    die "apt could not fetch nodejs $version"
for package in ./*.deb; do dpkg-deb -x "$package" "$fresh/tree"; done
# Together in one folder, whatever the machine calls its library folder.
mv "$fresh"/tree/usr/bin/node "$fresh"/tree/usr/lib/*/libnode.so.108 "$fresh/out"
mv "$fresh/out" "$out"
rm -rf "$fresh"
echo "$out"
