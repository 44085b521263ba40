# Makes the page of benchmarks from the machine's description (name=value) and the samples:
# case, row, round, who, value, separated by tabs. "who" is stock, ours, or instructions (ours, counted).

BEGIN { FS = "\t"; SUBSEP = "|" }

FNR == NR { at = index($0, "="); machine[substr($0, 1, at - 1)] = substr($0, at + 1); next }

$4 == "instructions" { instructions[$1, $2] = $5; next }

{
    if (!(($1, $2) in rounds)) order[++known] = $1 SUBSEP $2
    if ($3 > rounds[$1, $2]) rounds[$1, $2] = $3
    key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4
    sample[key, ++turns[key]] = $5
}

function sort(list, count,    i, j, held) {
    for (i = 2; i <= count; i++) {
        held = list[i]
        for (j = i - 1; j > 0 && list[j] > held; j--) list[j + 1] = list[j]
        list[j + 1] = held
    }
}

# Of list[1..count], which is sorted by that.
function median(list, count) {
    sort(list, count)
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

# The median of a round's turns.
function round_value(row, round, who,    key, list, i) {
    key = row SUBSEP round SUBSEP who
    for (i = 1; i <= turns[key]; i++) list[i] = sample[key, i] + 0
    return median(list, turns[key])
}

# Fills stock, ours, ratio, least and most of a row: medians over the rounds, the ratio taken within each.
function measure(row,    round, count, s, o, stocks, ourss, ratios) {
    count = rounds[row]
    for (round = 1; round <= count; round++) {
        s = stocks[round] = round_value(row, round, "stock")
        o = ourss[round] = round_value(row, round, "ours")
        ratios[round] = s / o
    }
    stock[row] = median(stocks, count)
    ours[row] = median(ourss, count)
    ratio[row] = median(ratios, count)
    least[row] = ratios[1]
    most[row] = ratios[count]
}

# The ratio that a row has to reach, or nothing.
function target(row,    part, operation) {
    split(row, part, /[ |]/)
    if (part[1] == "handshake") return 0.97
    if (part[1] != "cache") return ""
    operation = part[5]
    if (part[3] != "equal") return operation == "add" && part[2] == 20000 && part[3] == "mixed" && !unsorted() ? 100 : ""
    if (operation != "add" && operation != "lookup") return ""
    if (part[4] == 1 && part[2] == 1000) return 1
    if (part[4] == 1 && part[2] == 1000000 || part[4] == 2 && part[2] == 20000) return 1.5
    return ""
}

# OpenSSL 1.1.1 keeps its sessions in the order of insertion: there is no search to be faster than.
function unsorted() { return machine["libssl"] ~ /OpenSSL 1\./ }

function verdict(is_reached, what) {
    if (is_reached) reached++
    else missed[++misses] = what
    return is_reached ? "reached" : "**not reached**"
}

function against_target(row, title,    wanted) {
    wanted = target(row)
    if (wanted == "") return "|"
    return "≥ " wanted " | " verdict(ratio[row] >= wanted, title ": " times(ratio[row]) ", wanted " wanted)
}

function times(value) { return sprintf(value >= 100 ? "%.0f" : "%.2f", value) }
function span(row) { return times(ratio[row]) " (" times(least[row]) "–" times(most[row]) ")" }
function nanoseconds(value) { return sprintf(value >= 100 ? "%.0f" : "%.1f", value) }
function sessions_name(count) { return count == 1000000 ? "1 M" : count / 1000 " k" }

function handshake_rows(    i, row, part) {
    for (i = 1; i <= known; i++) {
        row = order[i]
        if (split(row, part, /[ |]/) && part[1] != "handshake") continue
        line(sprintf("| %s | %s | %d | %.0f | %.0f | %s | %s |", part[2], part[4], part[3], 1e9 / stock[row], 1e9 / ours[row],
            span(row), against_target(row, part[4] " handshakes, " part[2] ", threads " part[3])))
    }
}

function cache_rows(    i, row, part, title) {
    for (i = 1; i <= known; i++) {
        row = order[i]
        if (split(row, part, /[ |]/) && part[1] != "cache") continue
        title = part[5] ", " part[3] " timeouts, " sessions_name(part[2]) ", threads " part[4]
        line(sprintf("| %s | %s | %d | %s | %s | %s | %s | %s |", part[5], part[3], part[4], sessions_name(part[2]),
            nanoseconds(stock[row]), nanoseconds(ours[row]), span(row), against_target(row, title)))
    }
}

function context_rows(    row, more, share, kinds, i) {
    row = "context time|new+free"
    share = 1 / ratio[row]
    line(sprintf("| `SSL_CTX_new` + `SSL_CTX_free` | %.1f µs | %.1f µs | %s times (%s–%s) | ≤ 1.1 times | %s |", stock[row] / 1000,
        ours[row] / 1000, times(share), times(1 / most[row]), times(1 / least[row]),
        verdict(share <= 1.1, "time of a context: " times(share) " times stock's, wanted 1.1")))
    split("resident allocated", kinds, " ")
    for (i = 1; i <= 2; i++) {
        row = "context memory " machine["contexts"] "|" kinds[i]
        more = ours[row] - stock[row]
        line(sprintf("| memory of a context, %s, %d of them | %d B | %d B | %+d B | ≤ 1024 B more | %s |", kinds[i], machine["contexts"],
            stock[row], ours[row], more, verdict(more <= 1024, "memory of a context, " kinds[i] ": " more " B more, wanted 1024")))
    }
}

# "Grows no faster than log n" is a matter of instructions, which are the work. Time is also the memory: it stands beside stock's.
function growth_rows(    operations, kinds, i, k, count, what, small, middle, large, growth, in_time, log_growth) {
    log_growth = log(1000000) / log(1000)
    count = split("add lookup remove evict expire", operations, " ")
    split("equal mixed", kinds, " ")
    for (k = 1; k <= 2; k++) {
        for (i = 1; i <= count; i++) {
            small = instructions["cache 1000 " kinds[k] " 1", operations[i]]
            middle = instructions["cache 20000 " kinds[k] " 1", operations[i]]
            large = instructions["cache 1000000 " kinds[k] " 1", operations[i]]
            if (small == "" || large == "") continue
            what = "growth of " operations[i] ", " kinds[k] " timeouts, in "
            growth = large / small
            in_time = time_growth(ours, operations[i], kinds[k])
            line(sprintf("| %s | %s | %d | %d | %d | %s | %s | %s | %s |", operations[i], kinds[k], small, middle, large,
                times(growth), verdict(growth <= log_growth, what "instructions: " times(growth) ", wanted " times(log_growth)),
                times(in_time), times(time_growth(stock, operations[i], kinds[k]))))
        }
    }
}

function time_growth(values, operation, kind) {
    return values["cache 1000000 " kind " 1", operation] / values["cache 1000 " kind " 1", operation]
}

# The tables are made first: the summary, which stands above them, counts what they found.
function line(text) { body = body text "\n" }
function table(title, head,    rule) {
    rule = head
    gsub(/[^|]+/, "---", rule)
    line("\n## " title "\n\n" head "\n" rule)
}

function summary(    i) {
    print "# Benchmarks\n"
    print "The library against libssl's own cache: the same program through the same public functions, stock and under"
    print "`LD_PRELOAD`, taking turns. Written by `scripts/bench.sh`; not to be edited by hand."
    print "**The host tier**, the cache that processes share, is measured by `make bench-shared`, which writes a page of its own.\n"
    print "| | |\n|---|---|"
    print "| date | " machine["date"] " |"
    print "| processor | " machine["processor"] " |"
    print "| kernel | " machine["kernel"] " |"
    print "| load average at the end | " machine["load"] " |"
    print "| libssl | " machine["libssl"] " |"
    print "| library | " machine["library"] " |"
    print "| rounds | " machine["rounds"] (machine["quick"] != "" ? " (a quick run)" : "") " |"
    print "\n## Targets\n"
    print reached " reached, " misses + 0 " not reached" (misses ? ":\n" : ".")
    for (i = 1; i <= misses; i++) print "- " missed[i]
}

function how_to_read() {
    print "\n## How to read it\n"
    print "A ratio is stock's time by ours: above 1 the library is faster. It is the median over the rounds, with the least and the"
    print "greatest; in each round two new processes take turns, and the medians of their turns are compared. Rows with one thread"
    print "are in processor time, so that what else runs on the machine counts little; with two threads they are in elapsed time,"
    print "for all operations of both, and noisier.\n"
    print "- *add*: with equal timeouts, filling the cache from empty. At 1 k and 20 k it was full before and has been flushed, so memory"
    print "  is used again; at 1 M all memory is new. With mixed timeouts, additions of random ends to a cache of that size."
    print "- *ordered*: mixed timeouts, and sessions that lie in memory in the order of their ends, which is the best that can happen to"
    print "  libssl's search through its list, and has no target. In *mixed* they lie in another order, as in a server they do."
    print "- *lookup*: `SSL_has_matching_session_id`, of ids that are there, in random order."
    print "- *remove*: `SSL_CTX_remove_session`, in random order."
    print "- *evict*: an add to a cache that is full; 7/8 of the sessions are there."
    print "- *expire*: `SSL_CTX_flush_sessions`, for each session that it takes: all (equal) or half of them (mixed)."
    print "- *full*, *resumed*: whole connections in memory, client and server in one process, with `SSL_new` and `SSL_free`; ECDSA and"
    print "  key exchange on P-256. Handshakes a second of processor time (one thread) or of elapsed time."
    print "- *memory of a context*: one pair of processes; the numbers hardly vary."
    print "- *growth*: from a thousand sessions to a million, over which log n doubles: of the instructions an operation, as callgrind"
    print "  counts them, and of its time. The first is the work; the second is also the memory, since a thousand sessions lie in the"
    print "  processor's caches and a million do not. Stock's lookup, of constant work, shows how much that is.\n"
    print "To repeat: `make bench`, or `QUICK=1 scripts/bench.sh` in a minute. `LIBSSL_DIR=target/openssl/3.6-symbolic` takes another"
    print "libssl, one that `scripts/build-openssl.sh` has built."
}

END {
    if (known == 0) { print "report: no samples" > "/dev/stderr"; exit 1 }
    for (i = 1; i <= known; i++) measure(order[i])
    table("Handshakes", "| protocol | handshake | threads | stock /s | ours /s | ratio (min–max) | target | |")
    handshake_rows()
    table("Cache operations", "| operation | timeouts | threads | sessions | stock ns | ours ns | ratio (min–max) | target | |")
    cache_rows()
    table("Contexts without sessions", "| | stock | ours | ours to stock | target | |")
    context_rows()
    for (key in instructions) counted = 1
    if (counted) {
        table("Growth", "| operation | timeouts | instructions at 1 k | 20 k | 1 M | growth | | growth in time | stock's |")
        growth_rows()
    }
    summary()
    printf "%s", body
    how_to_read()
}
