#!/usr/bin/env bash
# Measures the host tier: the region against other stores that processes could share, how many sessions it keeps, and resumed
# handshakes of real servers with two workers, stock and preloaded, taking turns.
#
#   scripts/bench-shared.sh           everything: three quarters of an hour and 6 GB of memory; writes docs/benchmarks-shared.md and .svg
#   QUICK=1 scripts/bench-shared.sh   less of it, in two minutes; writes target/benches/shared/benchmarks-shared.md
#
#   SESSCACHE_LIB=FILE                the library, if not target/release/libsesscache.so
#   SIZES=10000,1000000               numbers of sessions in the region
#   STORE_SIZES=10000                 those of them at which the other stores are measured, too
#   TURNS=12                          of each server
#   ROUNDS=15                         of all stores
#   PARTS='room servers stores'       what to measure; the page has these alone
#   OUTPUT=FILE                       where to write; the plot goes beside it
#
# Ends with 0 whether or not the targets are reached; the page says which are.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
library=${SESSCACHE_LIB:-$target/release/libsesscache.so}
build=$target/benches/shared
samples=$build/samples.tsv
parts=${PARTS:-room servers stores}
limit=120   # seconds for one slice of the load, on a machine that is busy with other things
work=$(mktemp -d)
declare -A process port load ask answer
# A second stock server shows what the differences between two servers are worth. Each comes after each other one equally often.
contestants='stock ours again'
orders=('stock ours again' 'ours again stock' 'again stock ours' 'again ours stock' 'ours stock again' 'stock again ours')

die() { echo "bench-shared: $*" >&2; exit 1; }
say() { echo "bench-shared: $*" >&2; }

if [ -n "${QUICK:-}" ]; then
    rounds=${ROUNDS:-3} sizes=${SIZES:-10000,100000} store_sizes=${STORE_SIZES:-10000} turns=${TURNS:-3} warm=200 slices=6
    page=${OUTPUT:-$build/benchmarks-shared.md}
else
    rounds=${ROUNDS:-15} sizes=${SIZES:-10000,100000,1000000,10000000} store_sizes=${STORE_SIZES:-10000,100000,1000000} turns=${TURNS:-12} warm=1000 slices=18
    page=${OUTPUT:-docs/benchmarks-shared.md}
fi

# Settings of the library are for the user's own programs, not for a comparison.
for variable in ${!SESSCACHE_*}; do unset "$variable"; done
unset LD_PRELOAD

# end PID: that one of ours.
end() {
    if [ -n "$1" ]; then
        kill "$1" 2>/dev/null || true
        wait "$1" 2>/dev/null || true
    fi
}

# stop WHO: the server, and its load.
stop() {
    end "${load[$1]:-}"
    end "${process[$1]:-}"
    unset "load[$1]" "process[$1]"
}
trap 'for who in $contestants; do stop "$who"; done; rm -rf "$work"' EXIT

compile() {
    local flags=(-std=gnu11 -O2 -g -Wall -Wextra -Werror -pthread -Ic_tests/harness)
    cc "${flags[@]}" -o "$build/handshake_load" benches/handshake_load.c -lssl -lcrypto
    cc "${flags[@]}" -o "$build/session_der" benches/session_der.c c_tests/harness/{tls,certificates,facts}.c -lssl -lcrypto
    CARGO_TARGET_DIR=$target/region-bench cargo build --quiet --release --manifest-path benches/region/Cargo.toml
    cp "$target/region-bench/release/region-bench" "$build/region-bench"
    # A copy, so that a library that is built anew meanwhile does not end up in half of the table.
    cp "$library" "$build/libsesscache.so"
}

nginx_command() {
    local folder=$1 cache=$2 own_port=$3
    cat >"$folder/nginx.conf" <<END
daemon off; worker_processes 2; worker_cpu_affinity auto; pid nginx.pid; error_log stderr warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache $cache; ssl_session_timeout 1h;
    server {
        listen 127.0.0.1:$own_port ssl reuseport;
        ssl_certificate server.pem; ssl_certificate_key server.pem;
        return 200;
    }
}
END
    command=(nginx -p "$folder" -c nginx.conf -e stderr)
}

# Two processes of 32 threads each.
apache_command() {
    local folder=$1 cache=$2 own_port=$3 module
    for module in mpm_event authz_core socache_shmcb ssl; do
        echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
    done >"$folder/apache.conf"
    cat >>"$folder/apache.conf" <<END
ServerName localhost
Listen 127.0.0.1:$own_port https
PidFile $folder/apache.pid
DefaultRuntimeDir $folder
Mutex pthread default
ErrorLog $folder/error.log
LogLevel warn
User www-data
Group www-data
StartServers 2
ServerLimit 2
ThreadsPerChild 32
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
DocumentRoot $folder
SSLEngine on
SSLCertificateFile $folder/server.pem
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLSessionTickets off
SSLSessionCache ${cache/FOLDER/$folder}
END
    command=(apache2 -f "$folder/apache.conf" -DFOREGROUND)
}

# start_server WHO SERVER CACHE: stock, or with the library and an anonymous region.
start_server() {
    local who=$1 server=$2 cache=$3 folder=$work/$2-$1 settings=() command tries
    mkdir -p "$folder"
    cp "$work/server.pem" "$folder/"
    port[$who]=$("$build/handshake_load" free-port)
    "${server}_command" "$folder" "$cache" "${port[$who]}"
    if [ "$who" = ours ]; then
        settings=(SESSCACHE_SHARED=anon:64M SESSCACHE_TICKETS=stateful LD_PRELOAD="$build/libsesscache.so")
    fi
    env "${settings[@]}" "${command[@]}" </dev/null >>"$folder/log" 2>&1 &
    process[$who]=$!
    for tries in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/${port[$who]}") 2>/dev/null; then return; fi
        kill -0 "${process[$who]}" 2>/dev/null || break
        sleep 0.05
    done
    cat "$folder/log" >&2
    die "$server does not start ($who)"
}

# Processor time of a server and all it has forked, in nanoseconds, over all threads.
processor_time() {
    local main=${process[$1]} children
    children=$(cat "/proc/$main/task/$main/children")
    # One that has just ended is not missed.
    for pid in $main $children; do cat "/proc/$pid/task/"*/schedstat 2>/dev/null || true; done | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# start_load WHO PROTOCOL: a client with sessions of its own, which waits to be told for how long.
start_load() {
    local who=$1 protocol=$2 fifo=$work/$1.ask line reader writer
    rm -f "$fifo"
    mkfifo "$fifo"
    exec {reader}< <(exec "$build/handshake_load" "${port[$who]}" "$protocol" 8 <"$fifo")
    load[$who]=$!
    exec {writer}>"$fifo"
    answer[$who]=$reader ask[$who]=$writer
    read -r -t "$limit" -u "$reader" line && [ "$line" = begin ] || die "the load did not start ($who)"
}

stop_load() {
    local reader=${answer[$1]} writer=${ask[$1]}
    exec {writer}>&- {reader}<&-
    end "${load[$1]}"
    unset "load[$1]"
}

# load_server WHO SERVER PROTOCOL TURN MILLISECONDS: the turn 0 is no sample.
load_server() {
    local who=$1 server=$2 protocol=$3 turn=$4 milliseconds=$5 before after resumed full seconds
    before=$(processor_time "$who")
    echo "$milliseconds" >&"${ask[$who]}"
    read -r -t "$limit" -u "${answer[$who]}" resumed full seconds _ || die "the load failed ($server, $who); its message is above"
    after=$(processor_time "$who")
    if [ "$turn" -gt 0 ]; then
        printf 'handshake\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$server" "$protocol" "$turn" "$who" \
            "$resumed" "$full" "$seconds" "$((after - before))" >>"$samples"
    fi
}

# compare_servers SERVER STOCK_CACHE OUR_CACHE: all stand ready, idle but for the one that is loaded. They are started anew for each
# turn, since where a process's memory happens to lie makes a difference that stays as long as it lives; and loaded by short slices
# in turn, since what else the machine does changes from one second to the next by more than they differ.
compare_servers() {
    local server=$1 protocol turn slice who
    say "$server: $2, against $3 and the region"
    for protocol in 1.2 1.3; do
        for turn in $(seq "$turns"); do
            start_server stock "$server" "$2"
            start_server again "$server" "$2"
            start_server ours "$server" "$3"
            check_preloaded
            for who in $contestants; do
                start_load "$who" "$protocol"
                load_server "$who" "$server" "$protocol" 0 "$warm"
            done
            for slice in $(seq "$slices"); do
                for who in ${orders[slice % 6]}; do load_server "$who" "$server" "$protocol" "$turn" 200; done
            done
            for who in $contestants; do
                stop_load "$who"
                stop "$who"
            done
        done
    done
}

# A preload that was not loaded must not pass for a measurement.
check_preloaded() {
    grep -q libsesscache "/proc/${process[ours]}/maps" || die 'the library is not in the server that should have it'
    if grep -q libsesscache "/proc/${process[stock]}/maps"; then die 'the library is in the stock server'; fi
}

describe_machine() {
    echo "date=$(date -u +%Y-%m-%d)"
    echo "processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    echo "kernel=$(uname -sr)"
    echo "load=$(cut -d ' ' -f 1 /proc/loadavg)"
    echo "libssl=$(openssl version | cut -d ' ' -f 1-2)"
    echo "stores=$(redis-server --version | sed 's/.* v=\([^ ]*\).*/Redis \1/'), $(memcached -V), LMDB as of the crate heed"
    echo "servers=$(nginx -v 2>&1 | sed 's/.*: //'), $(apache2 -v | sed -n 's/.*version: \([^ ]*\).*/\1/p')"
    echo "library=sesscache $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1), $(rustc --version | cut -d ' ' -f 1-2)," \
        "source $(git describe --always --dirty 2>/dev/null || echo unknown)"
    echo "quick=${QUICK:-}"
}

[ -e "$library" ] || die "$library is missing: run make"
for tool in cc awk cargo openssl nginx apache2 redis-server memcached; do
    command -v $tool >/dev/null || die "$tool is missing: run scripts/install-deps.sh build bench-shared"
done
mkdir -p "$build"
chmod 755 "$work"
: >"$samples"
compile
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || die 'openssl could not make a certificate'
cat "$work/cert.pem" "$work/key.pem" >"$work/server.pem"

measure_room() {
    "$build/session_der" "$work"
    "$build/region-bench" capacity $((8 << 20)) "tls12=$work/tls12.der" "tls13=$work/tls13.der" >>"$samples"
}

measure_servers() {
    compare_servers nginx shared:sessions:10m none
    compare_servers apache 'shmcb:FOLDER/cache(10000000)' 'shmcb:FOLDER/cache(10000000)'
}

measure_stores() {
    say "stores: sessions $sizes, of these with others $store_sizes"
    "$build/region-bench" measure "$rounds" "$sizes" "$store_sizes" >>"$samples"
}

for part in $parts; do
    case $part in
        room | servers | stores) "measure_$part" ;;
        *) die "there is no part '$part'; parts: room, servers, stores" ;;
    esac
done

describe_machine >"$build/machine"
mkdir -p "$(dirname "$page")"
"$build/region-bench" report "$build/machine" "$samples" "$page" "${page%.md}.svg"
cat "$page"
say "written to $page and ${page%.md}.svg"
