#!/usr/bin/env bash
# Three hosts with nginx, a region and a relay each, and one Redis. Run by tests/fleet/hosts.rs as the first process of namespaces of
# its own (mounts, processes, network), so whatever it makes goes away with it:
#
#   hosts.sh STAGE COMMAND LIBRARY CLIENT
#
# STAGE gets the logs and `connections`, a line for each: `PHASE VERSION MADE-AT CONNECTED-TO full|resumed`. What they should have
# been is for the Rust side to say. `waits` tells how long the script waited for what had to come.
#
# Clients and hosts meet on one network, hosts and Redis on another: a host that is cut off from Redis still serves.
set -euo pipefail

stage=$1 command=$2 library=$3 client=$4
hosts=(1 2 3)
front=10.87.1 back=10.87.2   # host N is .N on both
port=4433
redis=$back.100
rounds=10                    # a session comes back so often to each host
patience=30                  # seconds; nothing takes so long that works
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
unset "${!SESSCACHE_@}" LD_PRELOAD LD_LIBRARY_PATH

die() { echo "$*" >&2; exit 1; }

# By the names below; each is used only until it is waited for.
declare -A running
end() {
    local process=${running[$1]}
    unset "running[$1]"
    kill "$process" 2>/dev/null || true
    wait "$process"
}
end_all() {
    local name
    for name in "${!running[@]}"; do end "$name" || true; done
}
trap end_all EXIT

# start NAME NAMESPACE COMMAND...
start() {
    local name=$1 namespace=$2
    shift 2
    ip netns exec "$namespace" "$@" >>"$stage/$name.log" 2>&1 &
    running[$name]=$!
}

# until_so WHAT COMMAND...: again and again until the command succeeds.
until_so() {
    local what=$1 begun=$SECONDS begun_at=$EPOCHREALTIME
    shift
    until "$@"; do
        [ $((SECONDS - begun)) -lt $patience ] || die "it does not come to pass: $what"
        sleep 0.05
    done
    awk -v what="$what" -v from="$begun_at" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.2f s: %s\n", to - from, what }' >>"$stage/waits"
}

own_machine() {
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mkdir /run/netns
    ip link set lo up
    local network
    for network in front back; do
        ip link add $network type bridge
        ip link set $network up
    done
    ip addr add $front.254/24 dev front
}

# machine NAMESPACE: what it says to itself goes by its loopback interface.
machine() {
    ip netns add "$1"
    ip -n "$1" link set lo up
}

# join NAMESPACE NETWORK ADDRESS
join() {
    ip link add "$1-$2" type veth peer name "$2" netns "$1"
    ip link set "$1-$2" master "$2" up
    ip -n "$1" addr add "$3/24" dev "$2"
    ip -n "$1" link set "$2" up
}

# answers NAMESPACE ADDRESS PORT
answers() { ip netns exec "$1" timeout 2 bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; }

start_redis() {
    machine redis
    join redis back $redis
    start redis redis redis-server --bind $redis --protected-mode no --save '' --appendonly no --dir "$stage"
    until_so 'Redis answers' answers redis $redis 6379
}

start_host() {
    local host=$1 folder=/dev/shm/$1
    machine "h$host"
    join "h$host" front "$front.$host"
    join "h$host" back "$back.$host"
    mkdir -m 700 "$folder"
    cat >"$folder/nginx.conf" <<END
daemon off; worker_processes 2; pid nginx.pid; error_log stderr warn;
events { worker_connections 64; }
http {
    access_log off; keepalive_timeout 0;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache none; ssl_session_timeout 1h;
    server {
        listen $front.$host:$port ssl reuseport;
        ssl_certificate $stage/cert.pem; ssl_certificate_key $stage/key.pem;
        return 200 "host $host";
    }
}
END
    start "nginx-$host" "h$host" "$command" run --library "$library" --region "$folder/region" --size 8M --key-file /dev/shm/keys -- \
        nginx -p "$folder" -c nginx.conf -e stderr
    until_so "host $host answers" answers "h$host" "$front.$host" $port
}

start_relay() { start "relay-$1" "h$1" "$command" relay --region "/dev/shm/$1/region" --redis "redis://$redis"; }

# The cable between the host and the switch: the host's own interface stays up, and what it sends is lost.
cut_off() { ip link set "h$1-back" down; }
join_again() { ip link set "h$1-back" up; }

# One connection, with the session of a file; says `full` or `resumed`.
connect() {
    local version=$1 session=$2 host=$3 answer
    answer=$("$client" -l "$session" "$front.$host" $port "$version" same 1)
    [[ $answer =~ ^(full|resumed)\ .*\ host\ $host$ ]] || die "host $host: $answer"
    echo "${BASH_REMATCH[1]}"
}

is_resumed() { [ "$(connect "$@")" = resumed ]; }
is_full() { [ "$(connect "$@")" = full ]; }

session() { echo "/dev/shm/session-$1-$2-$3"; }

# make PHASE: a session of each version at each host.
make() {
    local version host
    for version in 1.2 1.3; do
        for host in "${hosts[@]}"; do
            "$client" -s "$(session "$1" $version "$host")" "$front.$host" $port $version latest 1 >>"$stage/made"
        done
    done
}

# become is_resumed|is_full WHEN PHASE FROM TO: waits until that phase's sessions of the hosts FROM are so at the hosts TO.
become() {
    local is=$1 when=$2 phase=$3 from=$4 to=$5 version made host
    for version in 1.2 1.3; do
        for made in $from; do
            for host in $to; do
                until_so "$when: TLS $version session of host $made $is at host $host" \
                    "$is" $version "$(session "$phase" $version "$made")" "$host"
            done
        done
    done
}

# come_back AS PHASE: each session of that phase goes round the hosts.
come_back() {
    local version made round host how
    for version in 1.2 1.3; do
        for made in "${hosts[@]}"; do
            for ((round = 0; round < rounds; round++)); do
                for host in "${hosts[@]}"; do
                    how=$(connect $version "$(session "$2" $version "$made")" "$host")
                    echo "$1 $version $made $host $how"
                done
            done
        done
    done >>"$stage/connections"
}

says() { grep -q "$2" "$stage/$1.log"; }

# A client that sends what cannot be opened ends its session by the server's fatal alert. Clients keep to the session all the same.
end_by_alert() {
    python3 - $front $port $rounds $patience <<'END'
import os, socket, ssl, sys, time

front, (port, rounds, patience) = sys.argv[1], map(int, sys.argv[2:])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.options |= ssl.OP_NO_TICKET


def connect(host, session=None):
    return context.wrap_socket(socket.create_connection((f"{front}.{host}", port), 10), session=session)


def visit(host, session=None):
    """Whether that was resumed, and the session."""
    tls = connect(host, session)
    tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
    while tls.recv(1000):
        pass
    found = tls.session_reused, tls.session
    tls.unwrap().close()
    return found


def wait_until(host, resumed):
    until = time.monotonic() + patience
    while visit(host, session)[0] != resumed:
        assert time.monotonic() < until, f"a session does not {'arrive' if resumed else 'end'} at host {host}"
        time.sleep(0.05)


def note(phase):
    for _ in range(rounds):
        for host in 1, 2, 3:
            print(phase, "1.2", 1, host, "resumed" if visit(host, session)[0] else "full")


session = visit(1)[1]
for host in 2, 3:
    wait_until(host, True)
note("before-alert")
bad = connect(2, session)
assert bad.session_reused
os.write(bad.fileno(), b"\x17\x03\x03\x00\x40" + bytes(64))
try:
    bad.recv(1000)
    sys.exit("a record that cannot be opened was taken")
except ssl.SSLError:
    bad.close()
for host in 1, 2, 3:
    wait_until(host, False)
note("after-alert")
END
}

own_machine
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$stage/key.pem" -out "$stage/cert.pem" 2>"$stage/openssl.log" || die 'openssl could not make a certificate'
"$command" keys new /dev/shm/keys >"$stage/keys.log"
for host in "${hosts[@]}"; do start_host "$host"; done

# Nothing between the hosts yet.
make early
come_back alone early

start_redis
for host in "${hosts[@]}"; do start_relay "$host"; done
become is_resumed 'relays begin' early '1 2 3' '1 2 3'
come_back early early
make late
become is_resumed 'relays work' late '1 2 3' '1 2 3'
come_back late late

cut_off 3
make cut
become is_resumed 'host 3 is cut off' cut '1 2' '1 2'
become is_resumed 'host 3 is cut off' cut 3 3
come_back cut cut
come_back late-while-cut late
until_so 'the relay of host 3 cannot send' says relay-3 'records cannot be sent'
until_so 'the relay of host 3 cannot read' says relay-3 'records cannot be read'
join_again 3
become is_resumed 'host 3 is back' cut '1 2 3' '1 2 3'
come_back healed cut

end_by_alert >>"$stage/connections"

"$command" flush /dev/shm/2/region >"$stage/flush.log"
become is_full 'host 2 was flushed' late '1 2 3' '1 2 3'
become is_full 'host 2 was flushed' cut '1 2 3' '1 2 3'
come_back flushed cut
make after
become is_resumed 'after the flush' after '1 2 3' '1 2 3'
come_back after after

for host in "${hosts[@]}"; do
    end "relay-$host" || die "the relay of host $host ended with $?"
    end "nginx-$host" || die "nginx of host $host ended with $?"
done
