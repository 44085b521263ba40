#!/usr/bin/env bash
# Shows what relays do: two hosts with nginx and one Redis between them; a client makes a session at the first host and comes back with
# it to either. Run by `make demo-fleet`, which builds library and command first. For root the hosts are network namespaces, which go
# away with this script; for others, or where none can be made, they are two servers on loopback addresses, with a region each.
# Fails if anything was not resumed that should have been, or the other way round.
set -euo pipefail
cd "$(dirname "$0")/.."

built=${CARGO_TARGET_DIR:-target}/release
library=$(realpath "${SESSCACHE_LIB:-$built/libsesscache.so}")
command=$(realpath "${SESSCACHE_COMMAND:-$built/sesscache}")
reconnections=20
PATH=$PATH:/usr/sbin:/sbin   # where Debian has nginx and ip, which need not be root's
spaces=(unshare --net --mount --pid --fork --kill-child --mount-proc)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' green=$'\e[32m' plain=$'\e[0m'; else bold='' green='' plain=''; fi

die() { echo "demo-fleet: $*" >&2; exit 1; }
title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '   %-10s %s\n' "$1" "$2"; }

for tool in openssl nginx redis-server ip; do
    command -v $tool >/dev/null || die "$tool is missing: run scripts/install-deps.sh demo-fleet"
done
[ -e "$library" ] || die "no library at $library: run make"
[ -e "$command" ] || die "no command at $command: run make"

# Once more, as the first process of namespaces of its own.
if [ "${1:-}" != inside ]; then
    if [ "$(id -u)" = 0 ] &&
        "${spaces[@]}" sh -c 'ip link add bridge type bridge && ip link add one type veth' >/dev/null 2>&1; then
        export SESSCACHE_LIB=$library SESSCACHE_COMMAND=$command
        exec "${spaces[@]}" bash scripts/demo-fleet.sh inside
    fi
    own_network=
else
    own_network=yes
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /dev/shm
fi
unset "${!SESSCACHE_@}" LD_PRELOAD

work=$(mktemp -d /dev/shm/sesscache-demo.XXXXXX)   # regions lie in memory
processes=()
# A process id is used only until it is waited for.
end_all() {
    local ending=("${processes[@]}") process
    processes=()
    for process in "${ending[@]}"; do kill "$process" 2>/dev/null || true; done
    for process in "${ending[@]}"; do wait "$process" || true; done
}
trap 'end_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

answers() { (exec 3<>"/dev/tcp/$1/$port") 2>/dev/null; }

# Hosts 1 and 2, and Redis as 3, have this address with their number at the end.
make_network() {
    local host
    if [ -z "$own_network" ]; then
        network=127.0.0
        port=$((20000 + RANDOM % 10000))
        while answers $network.1 || answers $network.2 || answers $network.3; do port=$((port + 1)); done
        return
    fi
    network=10.87.0 port=4433
    mkdir /run/netns
    ip link add switch type bridge
    ip addr add $network.254/24 dev switch
    ip link set switch up
    for host in 1 2 3; do
        ip netns add $host
        ip link add "port$host" type veth peer name eth0 netns $host
        ip link set "port$host" master switch up
        ip -n $host addr add $network.$host/24 dev eth0
        ip -n $host link set eth0 up
    done
}

# start HOST NAME COMMAND...: in the background, on that host.
start() {
    local on=()
    if [ -n "$own_network" ]; then on=(ip netns exec "$1"); fi
    "${on[@]}" "${@:3}" >>"$work/$2.log" 2>&1 &
    processes+=($!)
}

# await HOST NAME: until that host answers.
await() {
    local tries=0
    until answers "$network.$1"; do
        tries=$((tries + 1))
        if [ $tries -gt 200 ]; then cat "$work/$2.log" >&2; die "$2 did not start"; fi
        sleep 0.05
    done
}

# Two workers, each with the cache of its own that nginx calls builtin. The kernel deals the connections out.
start_nginx() {
    local host=$1 folder=$work/$1
    shift
    mkdir -p "$folder"
    cat >"$folder/nginx.conf" <<END
daemon off; worker_processes 2; pid nginx.pid;
events { worker_connections 64; }
http {
    access_log off; keepalive_timeout 0;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache builtin; ssl_session_tickets off;
    server {
        listen $network.$host:$port ssl reuseport;
        ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem;
        return 200 "host $host";
    }
}
END
    start "$host" "nginx-$host" "$@" nginx -p "$folder" -c nginx.conf -e stderr
    await "$host" "nginx-$host"
}

shared() { echo "$work/$1/region"; }
start_with_library() {
    start_nginx "$1" "$command" run --library "$library" --region "$(shared "$1")" --size 8M --key-file "$work/keys" --
}

connect() {
    local version=$1 host=$2
    shift 2
    printf 'GET / HTTP/1.0\r\n\r\n' |
        timeout 20 openssl s_client -connect "$network.$host:$port" "-tls$version" -ign_eof "$@" 2>/dev/null >"$work/answer" ||
        die "host $host did not answer"
    grep -q "^host $host" "$work/answer" || die "that was not host $host"
}
is_resumed() { grep -q '^Reused, ' "$work/answer"; }

# A new session, made at host 1.
make_session() { connect "$1" 1 -sess_out "$work/session"; }

# Comes back to a host with the session; counts in $resumed.
come_back() {
    local version=$1 host=$2 number
    resumed=0
    for ((number = 0; number < reconnections; number++)); do
        connect "$version" "$host" -sess_in "$work/session"
        if is_resumed; then resumed=$((resumed + 1)); fi
    done
}

# Relays need milliseconds, about as long as a client that comes back at once.
await_session() {
    local version=$1 tries=0 begun=$EPOCHREALTIME
    until connect "$version" 2 -sess_in "$work/session" && is_resumed; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || die 'the session did not reach host 2'
        sleep 0.02
    done
    arrived=$(((${EPOCHREALTIME/./} - ${begun/./}) / 1000))
}

# row COLOUR WHO AT-HOST-1 AT-HOST-2 [RELAYED]: at least, and exactly, so many are to be resumed.
row() {
    local colour=$1 who=$2 least=$3 exactly=$4 relayed=${5:-} version cells=()
    for version in 1_2 1_3; do
        make_session $version
        if [ -n "$relayed" ]; then await_session $version; fi
        come_back $version 1
        [ "$resumed" -ge "$least" ] || die "$who: at host 1 $resumed of $reconnections were resumed (TLS $version)"
        cells+=("$resumed of $reconnections")
        come_back $version 2
        [ "$resumed" -eq "$exactly" ] || die "$who: at host 2 $resumed of $reconnections were resumed (TLS $version)"
        cells+=("$resumed of $reconnections")
    done
    printf '   %s%-24s %-10s %-12s  %-10s %s%s\n' "$colour" "$who" "${cells[@]}" "$plain"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || die 'openssl could not make a certificate'
"$command" keys new "$work/keys" >/dev/null
make_network

title 'Two hosts with nginx (two workers, ssl_session_cache builtin), the same certificate, and a client'
if [ -n "$own_network" ]; then
    tell hosts "two network namespaces: $network.1 and $network.2, port $port; Redis has a third, $network.3"
else
    tell hosts "two servers here, $network.1 and $network.2, port $port, with a region each; Redis is $network.3"
    tell '' 'as root, they would be two network namespaces'
fi
tell client "makes a session at host 1, and comes back with it $reconnections times to host 1 and $reconnections times to host 2"
tell library 'sesscache run --region … --key-file … -- nginx …    the same key file on both hosts'
tell relay "sesscache relay --region … --redis redis://$network.3:$port    one on each host"

title 'Resumed'
printf '   %-24s %-23s  %s\n' '' 'TLS 1.2' 'TLS 1.3'
printf '   %-24s %-10s %-12s  %-10s %s\n' '' 'host 1' 'host 2' 'host 1' 'host 2'
start_nginx 1
start_nginx 2
row '' 'nginx as it is' 0 0
end_all
start_with_library 1
start_with_library 2
row '' 'with the library' $reconnections 0
start 3 redis redis-server --bind $network.3 --port "$port" --protected-mode no --save '' --appendonly no --dir "$work"
await 3 redis
for host in 1 2; do
    start $host relay-$host "$command" relay --region "$(shared $host)" --redis "redis://$network.3:$port"
done
row "$green" 'with library and relays' $reconnections $reconnections relayed
end_all
printf '\nThe last session could be resumed at host 2 within %s ms. Everything that should be resumed was.\n' "$arrived"
