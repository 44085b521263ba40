#!/usr/bin/env bash
# Plays one recipe on a machine of its own: namespaces of mounts, processes and network, in which whatever it writes is in memory and
# goes away. Run by tests/recipes/main.rs, as the first process there:
#
#   run.sh STAGE INSTALLED CLIENT
#
# STAGE has what the recipe says: `files/…` to be put under /, `setup`, `before`, `after`, perhaps `unit` and `backend` (scripts), and
# `settings` (PORT, TALK, COUNT). INSTALLED is a `make install` with its DESTDIR. Writes STAGE/result: a line for each group of
# connections, `PHASE WHAT RESUMED ALL`.
set -euo pipefail

stage=$1 installed=$2 client=$3
. "$stage/settings"
result=$stage/result
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
unset "${!SESSCACHE_@}" LD_PRELOAD LD_LIBRARY_PATH

die() { echo "$*" >&2; exit 1; }

# A machine as it is, whose changes nobody else sees.
own_machine() {
    local folder
    mount -t tmpfs -o mode=755 tmpfs /mnt
    for folder in /etc /var /srv /usr/local; do
        mkdir -p "/mnt$folder/upper" "/mnt$folder/work"
        mount -t overlay overlay -o "lowerdir=$folder,upperdir=/mnt$folder/upper,workdir=/mnt$folder/work" "$folder"
    done
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mkdir -p /run/lock
    ip link set lo up
    cp -a "$installed/usr/local/." /usr/local/
    if [ -d "$stage/files" ]; then cp -r "$stage/files/." /; fi
}

# Whether anything but this script runs. A zombie without other threads has closed whatever it had open; before that its port is not free.
others() {
    local process state threads
    for process in /proc/[0-9]*; do
        if [ "$process" = /proc/1 ]; then continue; fi
        read -r state 2>/dev/null <"$process/stat" || continue
        state=${state##*) }
        threads=("$process"/task/*)
        case ${state%% *} in Z | X) [ ${#threads[@]} -lt 2 ] || return 0 ;; *) return 0 ;; esac
    done
    return 1
}

stop_all() {
    local signal tries
    for signal in TERM KILL; do
        kill -$signal -1 2>/dev/null || return 0
        for tries in $(seq 100); do
            others || return 0
            sleep 0.1
        done
    done
    die 'something does not end'
}

start() {
    local tries
    if [ -e "$stage/backend" ]; then bash "$stage/backend" >>"$stage/backend.log" 2>&1 & fi
    bash -eu "$stage/$1" >>"$stage/$1.log" 2>&1 &
    for tries in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
            # All of its processes.
            sleep 0.5
            return
        fi
        sleep 0.1
    done
    tail -n 40 "$stage/$1.log" >&2
    die "'$1' does not serve"
}

# connect PHASE WHAT SKIPPED ARGUMENTS...: the first SKIPPED connections have nothing to resume.
connect() {
    local phase=$1 what=$2 skipped=$3
    shift 3
    "$client" ${TALK:+-t $TALK} "$@" >"$stage/connections"
    if grep -v '^full \|^resumed ' "$stage/connections" >&2; then die "a connection failed ($phase, $what)"; fi
    tail -n +$((skipped + 1)) "$stage/connections" |
        awk -v phase="$phase" -v what="$what" '/^resumed/ { resumed++ } END { print phase, what, resumed + 0, NR }' >>"$result"
}

measure() {
    local phase=$1 version pattern
    start "$phase"
    for version in 1.2 1.3; do
        for pattern in same latest; do
            connect "$phase" workers 1 -s "$stage/session-$version" 127.0.0.1 "$PORT" $version $pattern $((COUNT + 1))
        done
    done
    stop_all
    start "$phase"
    for version in 1.2 1.3; do
        connect "$phase" restart 0 -l "$stage/session-$version" 127.0.0.1 "$PORT" $version same 1
    done
    if [ "$phase" != before ]; then sesscache stat >>"$stage/stat"; fi
    stop_all
}

own_machine
bash -eu "$stage/setup" >"$stage/setup.log" 2>&1 || { tail -n 20 "$stage/setup.log" >&2; die 'the setup failed'; }
: >"$result"
for phase in before after unit; do
    if [ -e "$stage/$phase" ]; then measure $phase; fi
done
if [ -e "$stage/units" ]; then
    for unit in $(cat "$stage/units"); do
        systemd-analyze verify --man=no "$unit" >"$stage/verify.log" 2>&1 || { cat "$stage/verify.log" >&2; die "$unit is not well-formed"; }
    done
fi
