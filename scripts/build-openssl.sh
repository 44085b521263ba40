#!/usr/bin/env bash
# Builds a shared libssl and libcrypto for the tests, away from the system's own:
#
#   scripts/build-openssl.sh VERSION KIND [apps]
#
#   VERSION  1.1.1, 3.0, 3.5, 3.6 or 4.0
#   KIND     symbolic  linked -Bsymbolic as OpenSSL does: libssl's calls to its own functions never reach a preloaded library
#            plt       linked without it as Debian does: they do
#   apps     also bin/openssl
#
# The result is target/openssl/VERSION-KIND/{lib,include,bin}. A stamp in it makes a second run do nothing.
#
#   SANITIZE=address|thread   built with that sanitizer, into target/openssl-SANITIZE instead
set -euo pipefail

# Part of the stamp: raise it when a change below should rebuild what is cached.
RECIPE=1

root=$(cd "$(dirname "$0")/.." && pwd)
store=$root/target/openssl${SANITIZE:+-$SANITIZE}
jobs=${JOBS:-2}

die() { echo "build-openssl: $*" >&2; exit 1; }
say() { echo "build-openssl: $*"; }

usage() { die "usage: scripts/build-openssl.sh 1.1.1|3.0|3.5|3.6|4.0 symbolic|plt [apps]"; }

# The release of openssl-src that carries the version's source, and what its Configure may be spared. Only what costs time
# and changes no function that a server program imports is left out.
pin() {
    case $1 in
        1.1.1) crate='=111.28.2'; options='no-tests' ;;
        3.0)   crate='=300.0.13'; options='no-tests no-legacy' ;;
        3.5)   crate='=300.5.5';  options='no-tests no-docs no-legacy' ;;
        3.6)   crate='=300.6.1';  options='no-tests no-docs no-legacy' ;;
        4.0)   crate='=400.0.2';  options='no-tests no-docs no-legacy' ;;
        *) usage ;;
    esac
}

# Prints the source tree of openssl-src $crate. A manifest that nothing builds makes cargo fetch, check and unpack the crate.
crate_source() {
    local manifest=$store/src/crate-$1
    mkdir -p "$manifest/src"
    : >"$manifest/src/lib.rs"
    cat >"$manifest/Cargo.toml" <<TOML
[package]
name = "openssl-source"
version = "0.0.0"
edition = "2021"
publish = false
[dependencies]
openssl-src = "$crate"
[workspace]
TOML
    cargo fetch --quiet --manifest-path "$manifest/Cargo.toml" >&2 ||
        die "cargo could not fetch openssl-src $crate: is the registry reachable?"
    cargo metadata --quiet --format-version 1 --offline --manifest-path "$manifest/Cargo.toml" |
        tr ',' '\n' | sed -n 's|.*"manifest_path":"\(.*/openssl-src-[^/"]*\)/Cargo.toml".*|\1/openssl|p' | head -n 1
}

# Prints Debian's 3.0 source tree (the .orig tarball: newer than the crate's). Uses a package index of its own, so that
# neither root nor a deb-src line is needed. Fails where the distribution carries another version or is not Debian.
debian_source() {
    local dir=$store/src/debian-3.0 apt
    if ls -d "$dir"/openssl-3.0.*/ 2>/dev/null; then return; fi
    command -v apt-get >/dev/null || return 1
    apt-cache policy libssl-dev 2>/dev/null | grep 'Candidate: 3\.0\.' >/dev/null || return 1
    mkdir -p "$dir/lists/partial"
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        sort -u | while read -r uri release component; do
            echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release $component"
        done >"$dir/sources.list"
    apt=(apt-get -qq -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$dir/lists"
         -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=$(id -un)")
    (
        cd "$dir" && "${apt[@]}" update && "${apt[@]}" source --download-only --tar-only openssl || exit 1
        # Unpacked elsewhere first: a tree cut short must not be taken for a whole one by the next run.
        rm -rf partial && mkdir partial && tar -xzf openssl_3.0.*.orig.tar.gz -C partial && mv partial/openssl-3.0.* .
    ) >&2 || return 1
    rm -rf "$dir/lists" "$dir/partial"
    ls -d "$dir"/openssl-3.0.*/
}

source_tree() {
    if [ "$1" = 3.0 ] && debian_source; then return; fi
    crate_source "$1"
}

# One build tree for a version: the kinds differ in the link alone, so the second of them only links again.
configure() {
    local version=$1 source=$2 tree=$3
    # With the places: the Makefile reaches the source by a relative path.
    local configured="$RECIPE $source $tree $options"
    if [ "$(cat "$tree/.configured" 2>/dev/null)" = "$configured" ]; then return; fi
    rm -rf "$tree"
    mkdir -p "$tree"
    say "configuring $version from $source"
    # shellcheck disable=SC2086  # the options are words
    (cd "$tree" && sh "$source/config" shared $options --libdir=lib --prefix="$store/$version" \
        --openssldir="$store/$version/ssl") >"$tree/configure.log" 2>&1 ||
        { tail -n 20 "$tree/configure.log" >&2; die "OpenSSL's config failed: $tree/configure.log"; }
    echo "$configured" >"$tree/.configured"
}

set_kind() {
    local tree=$1 kind=$2 flag=
    if [ "$kind" = symbolic ]; then flag=' -Wl,-Bsymbolic'; fi
    sed -i "/^LIB_LDFLAGS=/{s/ -Wl,-Bsymbolic//;s/ -shared/ -shared$flag/}" "$tree/Makefile"
    rm -f "$tree"/libssl.so* "$tree"/libcrypto.so*
}

# The crates of 3.5, 3.6 and 4.0 lack util/mkdef.pl, which writes the version scripts. From the same lists of functions, then: one node
# for each OpenSSL version that added some, each on top of the one before.
version_script() {
    local list=$1 node previous=
    for node in $(awk '{print $3}' "$list" | sort -Vu); do
        echo "OPENSSL_${node//_/.} {"
        echo "  global:"
        awk -v node="$node" '$3 == node && $4 ~ /^EXIST:/ && $4 !~ /:(VMS|_WIN32|__FreeBSD__)/ {print "    " $1 ";"}' "$list"
        if [ -z "$previous" ]; then echo "  local: *;"; fi
        echo "}${previous:+ $previous};"
        previous=OPENSSL_${node//_/.}
    done
}

compile() {
    local source=$1 tree=$2 log=$2/build.log make name
    shift 2
    make=(nice make -C "$tree")
    if [ ! -e "$source/util/mkdef.pl" ]; then
        for name in libssl libcrypto; do
            version_script "$source/util/$name.num" >"$tree/$name.ld"
            make+=(-o "$name.ld")
        done
    fi
    say "building $version $kind (log: $log); some minutes the first time"
    # The generated headers first: not every version's rules for them can run in parallel.
    { "${make[@]}" build_generated && "${make[@]}" -j"$jobs" "$@"; } >"$log" 2>&1 ||
        { tail -n 15 "$log" | cut -c 1-400 >&2; die "OpenSSL's make failed: $log"; }
}

# The one property that the tests rest on.
verify() {
    local dynamic
    dynamic=$(readelf -d "$1/lib/libssl.so")
    case $2 in
        symbolic) grep -q SYMBOLIC <<<"$dynamic" || die "$1/lib/libssl.so is not linked -Bsymbolic" ;;
        plt) ! grep -q SYMBOLIC <<<"$dynamic" || die "$1/lib/libssl.so is linked -Bsymbolic" ;;
    esac
}

install_into() {
    local source=$1 tree=$2 out=$3
    rm -rf "$out"
    mkdir -p "$out/lib" "$out/include/openssl" "$out/bin"
    cp -P "$tree"/libssl.so* "$tree"/libcrypto.so* "$out/lib/"
    cp "$source"/include/openssl/*.h "$out/include/openssl/"
    # Generated headers last: a source tree that was configured in place carries its own.
    if [ ! "$source" -ef "$tree" ]; then cp "$tree"/include/openssl/*.h "$out/include/openssl/"; fi
    if [ -n "$apps" ]; then cp "$tree/apps/openssl" "$out/bin/"; fi
}

[ $# -ge 2 ] || usage
version=$1 kind=$2 apps=${3:-}
pin "$version"
if [ -n "${SANITIZE:-}" ]; then options+=" -O1 -g -fno-omit-frame-pointer -fsanitize=$SANITIZE"; fi
# Reference counts without atomics: theirs end in a fence, which this sanitizer does not understand.
if [ "${SANITIZE:-}" = thread ]; then options+=' -DOPENSSL_DEV_NO_ATOMICS'; fi
case $kind in symbolic | plt) ;; *) usage ;; esac
case $apps in '' | apps) ;; *) usage ;; esac

out=$store/$version-$kind
mkdir -p "$store/build"
exec 9>"$store/build/$version.lock"
flock 9

stamp="$RECIPE $version $kind $options"
current() { [ "$(cat "$out/.stamp" 2>/dev/null)" = "$stamp" ]; }
if current && { [ -z "$apps" ] || [ -x "$out/bin/openssl" ]; }; then
    say "$version $kind is there: $out"
    exit 0
fi
for tool in perl make cc readelf cargo; do
    command -v $tool >/dev/null || die "$tool is missing: run scripts/install-deps.sh build"
done

source=$(source_tree "$version")
[ -d "$source" ] || die "no source found for OpenSSL $version"
tree=$store/build/$version
targets=(libcrypto.so libssl.so)
if [ -n "$apps" ] || [ -x "$out/bin/openssl" ]; then apps=apps targets+=(apps/openssl); fi

configure "$version" "$source" "$tree"
set_kind "$tree" "$kind"
compile "$source" "$tree" "${targets[@]}"
# A program that comes later is put beside libraries that are in order: others may be running on them.
if current; then
    cp "$tree/apps/openssl" "$out/bin/openssl.new" && mv "$out/bin/openssl.new" "$out/bin/openssl"
    say "$version $kind: bin/openssl added: $out"
    exit 0
fi
# Made beside its place and moved there whole: a run that is cut short leaves the old result or none.
fresh=$store/build/$version-fresh
install_into "$source" "$tree" "$fresh"
verify "$fresh" "$kind"
echo "$stamp" >"$fresh/.stamp"
rm -rf "$out"
mv "$fresh" "$out"
say "$version $kind built: $out"
