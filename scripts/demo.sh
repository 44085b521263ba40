#!/usr/bin/env bash
# Shows what the library does: two processes of an unmodified server that find each other's sessions; one server with and
# without the library; two programs linked with it whose sessions outlive a restart. Run by `make demo`, which builds the library
# first. Fails if anything was not resumed that should have been.
set -euo pipefail
cd "$(dirname "$0")/.."

library=$(realpath "${SESSCACHE_LIB:-${CARGO_TARGET_DIR:-target}/release/libsesscache.so}")
work=$(mktemp -d)
server=
reader=
reconnections=20
PATH=$PATH:/usr/sbin   # where Debian has nginx, which need not be root's

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' green=$'\e[32m' plain=$'\e[0m'; else bold='' green='' plain=''; fi

die() { echo "demo: $*" >&2; exit 1; }
title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '   %-10s %s\n' "$1" "$2"; }

# Its exit status is the server's. A process id is used only until it is waited for.
end_server() {
    local ending=$server
    if [ -z "$ending" ]; then return; fi
    server=
    kill "$ending" 2>/dev/null || true
    wait "$ending"
}
close_reader() {
    if [ -n "$reader" ]; then exec {reader}<&-; reader=; fi
}
trap 'end_server || true; rm -rf "$work"' EXIT

compile() { cc -std=gnu11 -O2 -Wall -Wextra -Iinclude "$@" || die "the compiler failed: is libssl-dev (and libsqlite3-dev) installed?"; }

# The next line of the server's output that matches, in $line; others are skipped.
next_line() {
    while IFS= read -r -t 20 -u "$reader" line; do
        if [[ $line =~ $1 ]]; then return; fi
    done
    die "the server did not say '$1'"
}

# Starts a command in the background. The first line of its output that matches the pattern has the port at its end.
start() {
    local pattern=$1
    shift
    mkfifo "$work/output"
    "$@" >"$work/output" 2>&1 &
    server=$!
    exec {reader}<"$work/output"
    rm "$work/output"
    next_line "$pattern"
    port=${line##*[!0-9]}
}

client() { timeout 20 openssl s_client -connect "127.0.0.1:$port" "$@" 2>/dev/null; }

free_port() {
    start '^ACCEPT ' openssl s_server -accept 127.0.0.1:0 -cert "$work/cert.pem" -key "$work/key.pem"
    end_server || true
    close_reader
}

# Two workers, each with the cache of its own that nginx calls builtin. The kernel deals the connections out.
start_nginx() {
    free_port
    cat >"$work/nginx.conf" <<END
daemon off; worker_processes 2; pid nginx.pid;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache builtin; ssl_session_tickets off;
    server {
        listen 127.0.0.1:$port ssl reuseport;
        ssl_certificate cert.pem; ssl_certificate_key key.pem;
        return 200 "worker \$pid";
    }
}
END
    env "$@" nginx -p "$work" -c nginx.conf -e stderr 2>"$work/nginx.log" &
    server=$!
    local tries
    for tries in {1..200}; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    cat "$work/nginx.log" >&2
    die 'nginx did not start'
}

# One visitor's connections: the first one makes a session, the others come back with it. Counts in $resumed, $answering.
reconnect() {
    local version=$1 number offer=(-sess_out "$work/session")
    for ((number = 0; number <= reconnections; number++)); do
        printf 'GET / HTTP/1.0\r\n\r\n' | client "-tls$version" -ign_eof "${offer[@]}"
        offer=(-sess_in "$work/session")
    done >"$work/answers" || die 'nginx did not answer'
    resumed=$(grep -c '^Reused, ' "$work/answers") || true
    answering=$(grep -o 'worker [0-9]*' "$work/answers" | sort -u | wc -l)
}

# A row of the table: nginx as it is, or with what the settings say.
two_workers() {
    local who=$1 least=$2 colour=$3 version cells=()
    shift 3
    start_nginx "$@"
    for version in 1_2 1_3; do
        reconnect $version
        cells+=("$resumed of $reconnections")
        [ "$resumed" -ge "$least" ] || die "all should have been resumed: $resumed of $reconnections (TLS $version)"
        [ "$answering" = 2 ] || die "one worker answered all connections: is there only one?"
    done
    end_server || die 'nginx did not end well'
    printf '   %s%-28s %-16s %s%s\n' "$colour" "$who" "${cells[@]}" "$plain"
}

# One handshake, and five more with the session of the first, and what the server's cache had done then.
unmodified_server() {
    local by=$1 preload=$2 handshakes number
    start '^ACCEPT ' env LD_PRELOAD="$preload" openssl s_server -accept 127.0.0.1:0 \
        -cert "$work/cert.pem" -key "$work/key.pem" -tls1_2 -no_ticket -www
    handshakes=$(client -tls1_2 -reconnect </dev/null | sed -n 's/^\(New\|Reused\), TLSv[^,]*, .*/\1/p' | paste -sd ' ')
    tell client "$handshakes"
    [ "$handshakes" = 'New Reused Reused Reused Reused Reused' ] || die "five of six should have been resumed"
    for number in 1 2 3 4 5 6; do
        next_line '^watch: '
    done
    tell server "${line#watch: }"
    [[ $line == "watch: $by: "*"found 5,"* ]] || die "$by should have found the session five times"
    end_server || true
    close_reader
}

# Connects once, with the session of the time before if there is one; the server's answer must be the expected one.
visit() {
    local expected=$1 where=$2 answer offer=()
    if [ -e "$work/session" ]; then offer=(-sess_in "$work/session"); fi
    answer=$(echo hello | client -ign_eof -sess_out "$work/session" "${offer[@]}" | grep -E '^(full handshake|resumed), ') || die "no answer from $name"
    tell client "$answer${where:+    $green$where$plain}"
    [[ $answer == "$expected, "* ]] || die "that should have been: $expected"
}

# A program that keeps its sessions outside. The second run of it has nothing in memory.
linked_server() {
    local name=$1 store=$work/$2 run
    shift 2
    compile -o "$work/$name" "examples/$name.c" examples/server.c examples/sessions.c \
        -L"$work/lib" -Wl,-rpath,"$work/lib" -lsesscache -lssl -lcrypto "$@"
    rm -f "$work/session"
    for run in first second; do
        start '^port ' "$work/$name" "$work/cert.pem" "$work/key.pem" "$store"
        tell "$run run" "process $server"
        if [ "$run" = first ]; then
            visit 'full handshake' ''
            visit resumed ''
        else
            visit resumed 'across the restart'
        fi
        end_server || die "$name failed"
        next_line '^sesscache '
        tell '' "$line"
        close_reader
    done
}

for tool in openssl nginx; do command -v $tool >/dev/null || die "$tool is missing: run scripts/install-deps.sh demo"; done
[ -e "$library" ] || die "no library at $library: run make"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || die 'openssl could not make a certificate'
mkdir "$work/lib"
ln -s "$library" "$work/lib/libsesscache.so"
ln -s "$library" "$work/lib/libsesscache.so.0"
compile -shared -fPIC -o "$work/watch.so" examples/watch.c

title "1. nginx with two workers, ssl_session_cache builtin. A client connects, and comes back $reconnections times with its session"
printf '   %-28s %-16s %s\n' resumed 'TLS 1.2' 'TLS 1.3'
two_workers 'nginx as it is' 0 ''
two_workers 'with the library, shared' "$reconnections" "$green" \
    LD_PRELOAD="$library" SESSCACHE_SHARED=anon SESSCACHE_TICKETS=stateful
title '2. openssl s_server (TLS 1.2), five returns: as it is, then under LD_PRELOAD, its sessions in our cache'
unmodified_server libssl "$work/watch.so"
unmodified_server sesscache "$library $work/watch.so"
title '3. examples/external_cache.c, linked with -lsesscache (TLS 1.3): in memory and in files'
linked_server external_cache files
title '4. examples/sqlite_cache.c: the same with a database, and nothing in memory'
linked_server sqlite_cache sessions.db -lsqlite3
printf '\nEverything that should be resumed was.\n'
