#!/usr/bin/env bash
# Installs the Debian package into an empty root, uses what is there, and removes it:
#
#   scripts/check-package.sh PACKAGE.deb
#
# As root. With debootstrap and a mirror in reach the root is a Debian of its own, in which the package's commands run by chroot; else it has
# nothing but the package, and they run as they lie there.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "check-package: $*" >&2; exit 1; }
say() { echo "check-package: $*"; }

package=$(realpath "${1:?which package?}")
[ "$(id -u)" = 0 ] || die 'takes root, as dpkg does'
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

in_root() { "$@"; }
options=(--force-depends --force-script-chrootless)
if [ -n "${DEBOOTSTRAP:-}" ] && command -v debootstrap >/dev/null; then
    say 'making a Debian'
    debootstrap --variant=minbase "$DEBOOTSTRAP" "$root" >/dev/null
    mount -t proc proc "$root/proc"
    trap 'umount "$root/proc"; rm -rf "$root"' EXIT
    in_root() { chroot "$root" "$@"; }
    options=()
else
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
    touch "$root/var/lib/dpkg/status"
fi

list() { (cd "$root" && find . -path ./var -prune -o -path ./proc -prune -o ! -type d -print | sort); }

before=$(list)
dpkg --root="$root" "${options[@]}" --install "$package" >/dev/null 2>"$root/var/dpkg.log" || { cat "$root/var/dpkg.log" >&2; die 'it cannot be installed'; }
say "installed: $(list | wc -l) files, $(dpkg-deb -f "$package" Package Version Installed-Size | tr '\n' ' ')"
command=/usr/bin/sesscache
if [ ${#options[@]} -gt 0 ]; then command=$root$command; fi

[ "$(in_root "$command" --version)" = "sesscache $(dpkg-deb -f "$package" Version | sed 's/-.*//')" ] || die 'the command does not say its version'
preload=$(in_root "$command" run --region anon -- sh -c 'echo $LD_PRELOAD')
[[ $preload == *libsesscache.so* ]] || die "the command does not find its library: $preload"
# It is of this machine's kind, and loads: what cannot be preloaded is complained of.
complaints=$(LD_PRELOAD=$root$(realpath --relative-to="$root" "$root/${preload#"$root"}" | sed 's|^|/|') /bin/true 2>&1)
[ -z "$complaints" ] || die "$complaints"
for file in usr/share/man/man8/sesscache.8.gz usr/share/bash-completion/completions/sesscache usr/include/sesscache.h \
    usr/lib/systemd/system/sesscache-keys@.timer usr/share/doc/sesscache/README.md; do
    [ -s "$root/$file" ] || die "$file is missing"
done
[ -L "$(echo "$root"/usr/lib/*/libsesscache.so.0)" ] || die 'the link libsesscache.so.0 is missing'
prefix=$(PKG_CONFIG_PATH=$(echo "$root"/usr/lib/*/pkgconfig) pkg-config --variable=prefix sesscache)
[ "$prefix" = /usr ] || die "pkg-config says the prefix is $prefix"

dpkg --root="$root" "${options[@]}" --purge sesscache >/dev/null 2>>"$root/var/dpkg.log" || { cat "$root/var/dpkg.log" >&2; die 'it cannot be removed'; }
left=$(comm -13 <(echo "$before") <(list) | sed -n '/sesscache/p')
[ -z "$left" ] || die "left behind: $left"
say 'used and removed; nothing is left'
