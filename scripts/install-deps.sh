#!/usr/bin/env bash
# Installs the Debian packages that are missing for what is about to be done:
#
#   scripts/install-deps.sh GROUP...      GROUP: build, check, servers, third-party, demo, demo-fleet, bench, bench-shared, bench-relay
#
# Does nothing, without a word, when all are there. Needs root or sudo only when something is missing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)

die() { echo "install-deps: $*" >&2; exit 1; }
say() { echo "install-deps: $*"; }

# The one list of packages, with what each group is for.
describe() {
    case $1 in
        build)   why='to build the library and OpenSSL'; packages='gcc libc6-dev make perl binutils pkg-config libssl-dev' ;;
        check)   why='for the C tests'; packages='g++ valgrind openssl libsqlite3-dev strace' ;;
        servers) why='for the tests with real servers (none is started by installing it)'
                 packages='nginx apache2 haproxy stunnel4 hitch lighttpd lighttpd-mod-openssl dovecot-imapd postfix vsftpd iproute2 openssl
                     python3 perl libnet-ssleay-perl ruby libuv1 libc-ares2 libnghttp2-14 libicu72 libbrotli1
                     node-acorn node-cjs-module-lexer node-undici redis-server' ;;
        third-party) why="for other projects' test suites (no server is started by installing it)"
                 packages='dpkg-dev python3 python3-pip libpython3.11-testsuite python3-openssl python3-pytest python3-pretend python3-flaky
                     ruby ruby-test-unit perl libnet-ssleay-perl libio-socket-ssl-perl stunnel4 memcached pkg-config libssl-dev
                     libuv1 libc-ares2 libnghttp2-14 libicu72 libbrotli1 node-acorn node-cjs-module-lexer node-undici' ;;
        demo)    why='for the demonstration (no server is started by installing it)'; packages='openssl libsqlite3-dev nginx' ;;
        demo-fleet) why='for the demonstration of hosts (no server is started by installing it)'
                 packages='nginx redis-server openssl iproute2' ;;
        bench)   why='for the benchmarks'; packages='openssl valgrind' ;;
        bench-relay) why='for the benchmarks of the fleet (no server is started by installing it)'
                 packages='openssl nginx redis-server git' ;;
        bench-shared) why='for the benchmarks of the host tier (no server is started by installing it)'
                 packages='openssl nginx apache2 redis-server memcached' ;;
        *) die "there is no group '$1'; groups: build, check, servers, third-party, demo, demo-fleet, bench, bench-shared, bench-relay" ;;
    esac
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
is_known() { apt-cache show "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian starts a server when its package is installed, unless this file answers 101 ("not allowed"). It is the
# administrator's: one that exists is obeyed and left as it is; ours goes away with this script.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    if [ -e $policy ]; then return; fi
    trap 'as_root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin $policy
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1; }

# The package lists are fetched only when they do not know a package, or when what they name is no longer on the mirror.
install_all() {
    local package
    for package in "$@"; do
        if ! is_known "$package"; then
            say 'the package lists are missing or old: apt-get update'
            apt update || return 1
            break
        fi
    done
    apt install --yes --no-install-recommends "$@" && return
    say 'that failed; once more after apt-get update'
    apt update && apt install --yes --no-install-recommends "$@"
}

[ $# -gt 0 ] || die 'usage: scripts/install-deps.sh build|check|servers|third-party|demo|demo-fleet|bench|bench-shared|bench-relay ...'
wanted=()
for group in "$@"; do
    describe "$group"
    missing=()
    for package in $packages; do
        if ! is_installed "$package"; then missing+=("$package"); fi
    done
    if [ ${#missing[@]} -gt 0 ]; then
        say "$why: ${missing[*]}"
        wanted+=("${missing[@]}")
    fi
done
if [ ${#wanted[@]} -eq 0 ]; then exit 0; fi

command -v apt-get >/dev/null ||
    { say "this system has no apt-get: please see to the packages named above (or their like) yourself"; exit 0; }
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "not root and no sudo: as root, run apt-get install ${wanted[*]}"
fi

# One at a time: a second run must not take our policy file for the administrator's.
mkdir -p "$root/target"
exec 9>"$root/target/.install-deps.lock"
flock 9
log=$root/target/install-deps.log
: >"$log"
forbid_services
install_all "${wanted[@]}" || { tail -n 20 "$log" >&2; die "apt-get could not install ${wanted[*]} (log: $log)"; }
say "installed: ${wanted[*]}"
