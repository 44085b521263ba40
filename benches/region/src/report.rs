//! The page, from the samples.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use crate::plot;
use crate::samples::{Capacity, Case, Samples, Spread};

/// The stores in the order of the page, with their names there.
pub const STORES: [(&str, &str); 6] = [
    ("region", "the region, sealing"),
    ("lmdb", "LMDB, tmpfs, no sync"),
    ("redis", "Redis, TCP"),
    ("redis-unix", "Redis, Unix socket"),
    ("memcached", "memcached, TCP"),
    ("memcached-unix", "memcached, Unix socket"),
];
const TCP: [&str; 2] = ["redis", "memcached"];
const UNIX: [&str; 2] = ["redis-unix", "memcached-unix"];
const WORKS: [&str; 3] = ["put", "get", "take"];
pub const SERVERS: [(&str, &str); 2] = [
    ("nginx", "nginx, 2 workers: `shared:` alone, against `none` and the region"),
    ("apache", "Apache, 2 processes: `shmcb` alone, against `shmcb` and the region"),
];
pub const PROTOCOLS: [(&str, &str); 2] = [("1.2", "TLS 1.2, by id"), ("1.3", "TLS 1.3, stateful ticket")];

pub fn run(machine: &str, samples: &str, page: &str, picture: &str) -> Result<(), String> {
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let write =
        |path: &str, text: &str| std::fs::write(path, text).map_err(|error| format!("{path}: {error}"));
    let machine = read(machine)?;
    let machine = machine.lines().filter_map(|line| line.split_once('=')).collect();
    let samples = Samples::read(&read(samples)?)?;
    let picture_name = Path::new(picture).file_name().unwrap_or_default().to_string_lossy();
    write(page, &Page { samples: &samples, machine }.text(&picture_name))?;
    write(picture, &plot::picture(&samples))
}

struct Page<'a> {
    samples: &'a Samples,
    machine: HashMap<&'a str, &'a str>,
}

impl Page<'_> {
    fn text(&self, picture: &str) -> String {
        let mut text = String::from(
            "# Benchmarks of the host tier\n\n\
             The cache that processes share (`SESSCACHE_SHARED`), against other ways to share. Written by\n\
             `scripts/bench-shared.sh`; not to be edited by hand. [Benchmarks](benchmarks.md) has the cache of one process.\n\n",
        );
        if self.machine.get("quick").is_some_and(|quick| !quick.is_empty()) {
            text += "**A quick run: few rounds and small sizes. Not for comparison.**\n\n";
        }
        self.describe(&mut text);
        self.judge(&mut text);
        let _ = write!(text, "## In pictures\n\n![Latencies by size, and resumed handshakes]({picture})\n\n");
        self.stores(&mut text);
        self.capacity(&mut text);
        self.handshakes(&mut text);
        text + READING
    }

    fn describe(&self, text: &mut String) {
        *text += "| | |\n|---|---|\n";
        let rows = ["date", "processor", "kernel", "libssl", "stores", "servers", "library"];
        for row in rows {
            let _ = writeln!(text, "| {row} | {} |", self.machine.get(row).unwrap_or(&""));
        }
        let load = self.machine.get("load").unwrap_or(&"");
        let _ = write!(text, "| load average at the end | {load} |\n\n");
    }

    fn judge(&self, text: &mut String) {
        *text += "## Targets\n\n| | measured | target | |\n|---|---|---|---|\n";
        let mut row = |what: &str, measured: Option<f64>, unit: &str, target: f64, at_most: bool| {
            let Some(measured) = measured else { return };
            let reached = if at_most { measured <= target } else { measured >= target };
            let (sign, verdict) =
                (if at_most { "≤" } else { "≥" }, if reached { "reached" } else { "**not reached**" });
            let _ =
                writeln!(text, "| {what} | {}{unit} | {sign} {target}{unit} | {verdict} |", figure(measured));
        };
        for work in ["put", "get"] {
            let what = format!("{work}, sealing included, median, the worst size and number of processes");
            row(&what, self.worst_median(work).map(|nanoseconds| nanoseconds / 1e3), " µs", 5.0, true);
        }
        for work in ["put", "get"] {
            row(
                &format!("{work}: median at the largest size by that at the smallest"),
                self.growth(work),
                "",
                2.0,
                true,
            );
        }
        for (way, stores) in [("TCP on loopback", TCP), ("a Unix socket", UNIX)] {
            for work in ["put", "get"] {
                let what = format!(
                    "{work}: times faster than the fastest server over {way}, the worst size and number of processes"
                );
                row(&what, self.worst_ratio(&stores, work), "", 10.0, false);
            }
        }
        let ordinary = self.samples.capacities.iter().find(|capacity| capacity.name == "tls12");
        row("ordinary TLS 1.2 sessions a MiB", ordinary.map(per_mebibyte), "", 2500.0, false);
        for (protocol, name) in PROTOCOLS {
            let Some(ratio) = self.handshake_ratio("nginx", protocol, "ours") else { continue };
            let [_, high] = ratio.certain;
            let verdict = match ratio.median {
                1.0.. => "reached",
                _ if high >= 1.0 => "no difference that could be measured",
                _ => "**not reached**",
            };
            let measured = with_certainty(Some(ratio));
            let _ = writeln!(
                text,
                "| resumed handshakes, nginx, {name}: ours by its own shared zone's | {measured} | ≥ 1 | {verdict} |"
            );
        }
        *text += "\n";
    }

    fn median(&self, store: &str, processes: u64, sessions: u64, work: &str) -> Option<f64> {
        let case = Case { store, processes, sessions, work };
        Some(self.samples.over_rounds(&case, |sample| sample.median)?.median)
    }

    fn worst_median(&self, work: &str) -> Option<f64> {
        let medians = self.samples.sizes().into_iter().flat_map(|sessions| {
            [1, 2].into_iter().filter_map(move |processes| self.median("region", processes, sessions, work))
        });
        medians.max_by(f64::total_cmp)
    }

    fn growth(&self, work: &str) -> Option<f64> {
        let sizes = self.samples.sizes();
        let at = |size: Option<&u64>| self.median("region", 1, *size?, work);
        Some(at(sizes.last())? / at(sizes.first())?)
    }

    fn worst_ratio(&self, stores: &[&str], work: &str) -> Option<f64> {
        let sizes = self.samples.sizes();
        let cases = sizes.into_iter().flat_map(|sessions| [(sessions, 1), (sessions, 2)]);
        let ratios = cases.flat_map(|(sessions, processes)| {
            let ratio = move |store: &&str| self.samples.ratio(&Case { store, processes, sessions, work });
            stores.iter().filter_map(ratio)
        });
        ratios.map(|ratio| ratio.median).min_by(f64::total_cmp)
    }

    /// Another server's rate by the stock one's, in each turn.
    fn handshake_ratio(&self, server: &str, protocol: &str, other: &str) -> Option<Spread> {
        let stock = self.samples.of_server(server, protocol, "stock");
        let others = self.samples.of_server(server, protocol, other);
        let ratio = |other: &&crate::samples::Handshakes| {
            Some(other.rate() / stock.iter().find(|stock| stock.turn == other.turn)?.rate())
        };
        Spread::of(others.iter().filter_map(ratio).collect())
    }

    fn stores(&self, text: &mut String) {
        for work in WORKS {
            let _ = write!(
                text,
                "## {work}\n\n\
                 | sessions | store | median µs | p99 µs | a second | two processes: median µs | p99 µs | a second | the region is faster by |\n\
                 |---|---|---|---|---|---|---|---|---|\n"
            );
            for sessions in self.samples.sizes() {
                for (store, name) in STORES {
                    self.store_row(text, Case { store, processes: 1, sessions, work }, name);
                }
            }
            *text += "\n";
        }
    }

    fn store_row(&self, text: &mut String, case: Case<'_>, name: &str) {
        let figures = |case: &Case<'_>| {
            let median = self.samples.over_rounds(case, |sample| sample.median / 1e3)?.median;
            let p99 = self.samples.over_rounds(case, |sample| sample.p99 / 1e3)?.median;
            let rate = self.samples.over_rounds(case, |sample| sample.rate)?.median;
            Some(format!("{} | {} | {rate:.0}", figure(median), figure(p99)))
        };
        let Some(one) = figures(&case) else { return };
        let two = figures(&Case { processes: 2, ..case }).unwrap_or_default();
        let ratio = self.samples.ratio(&case).filter(|_| case.store != "region");
        let _ =
            writeln!(text, "| {} | {name} | {one} | {two} | {} |", count(case.sessions), with_range(ratio));
    }

    fn capacity(&self, text: &mut String) {
        *text += "## Room\n\n| sessions of | DER, bytes | region | the newest that are all there | a MiB | found of all |\n|---|---|---|---|---|---|\n";
        for capacity in &self.samples.capacities {
            let Capacity { name, length, bytes, newest, all } = capacity;
            let name = if name == "tls12" { "TLS 1.2, by id" } else { "TLS 1.3, stateful" };
            let (mebibytes, each) = (bytes >> 20, per_mebibyte(capacity));
            let _ = writeln!(text, "| {name} | {length} | {mebibytes} MiB | {newest} | {each:.0} | {all} |");
        }
        *text += "\n";
    }

    fn handshakes(&self, text: &mut String) {
        *text += "## Resumed handshakes of servers\n\n\
            | server | protocol | stock /s | ours /s | ours by stock | another stock by stock | stock: server's CPU µs | ours | not resumed: stock | ours |\n\
            |---|---|---|---|---|---|---|---|---|---|\n";
        for (server, description) in SERVERS {
            for (protocol, name) in PROTOCOLS {
                let Some(ratio) = self.handshake_ratio(server, protocol, "ours") else { continue };
                let noise = with_certainty(self.handshake_ratio(server, protocol, "again"));
                let [stock, ours] =
                    ["stock", "ours"].map(|who| self.samples.of_server(server, protocol, who));
                let median = |figures: Vec<f64>| Spread::of(figures).map_or(0.0, |spread| spread.median);
                let [rate, our_rate] =
                    [&stock, &ours].map(|all| median(all.iter().map(|one| one.rate()).collect()));
                let [cost, our_cost] =
                    [&stock, &ours].map(|all| median(all.iter().map(|one| one.cost()).collect()));
                let [full, our_full] = [&stock, &ours].map(|all| all.iter().map(|one| one.full).sum::<u64>());
                let ratio = with_certainty(Some(ratio));
                let _ = writeln!(
                    text,
                    "| {description} | {name} | {rate:.0} | {our_rate:.0} | {ratio} | {noise} | {cost:.0} | {our_cost:.0} | {full} | {our_full} |"
                );
            }
        }
        *text += "\n";
    }
}

fn per_mebibyte(capacity: &Capacity) -> f64 {
    (capacity.newest / (capacity.bytes >> 20)) as f64
}

fn with_range(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |Spread { median, least, most, .. }| {
        format!("{} ({}–{})", figure(median), figure(least), figure(most))
    })
}

fn with_certainty(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |Spread { median, certain: [low, high], .. }| {
        format!("{median:.3} ({low:.3}–{high:.3})")
    })
}

fn figure(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

pub fn count(sessions: u64) -> String {
    match sessions {
        0..1_000_000 => format!("{} k", sessions / 1000),
        _ => format!("{} M", sessions / 1_000_000),
    }
}

const READING: &str = "## How to read it

*put*, *get*, *take*: sessions of 300 bytes under random ids of 32 bytes, one request after the other, each waiting for its answer as a
handshake does. Puts are of new sessions; gets are of any that is there, whichever process put it; takes are of the oldest, so that the number
stays. Every answer is checked. The processes are forked and run at once; *a second* counts what all of them did. The clock is read between any two
operations, which is in all figures (some 30 ns). All stores take turns in each round; figures are medians over the rounds of each round's median and 99th
percentile, the last column the ratio of medians within a round, with the least and the greatest.

- The region is anonymous memory and seals every session. The others keep them as they are.
- LMDB: a transaction an operation, without syncing, writing straight into its map, on tmpfs. Its writers wait for each other.
- Redis: `SET … EX`, `GET`, `GETDEL`, without persistence. memcached: `set`, `get`; a take is `get` and `delete`, for want of one command.
- Everything shares two cores: with two processes asking, a server that needs one of its own has to wait for it.
- Other stores are measured up to a smaller number of sessions than the region, and the targets' ratios are of those sizes.
- How many times faster the region is depends on what a round trip costs on the machine: [other machines](benchmarks-machines.md).

*Room*: a region of 8 MiB is filled over and over with a real session of a server (with a server name, as nginx makes it), under random ids. Then the newest are looked for, one after the other, until one is
missing.

*Handshakes*: eight threads of a client, by turns on the processors, make connections with the sessions of earlier ones, and ask nothing; no processor
is ever idle. nginx has `worker_cpu_affinity auto`. Tickets that hold the session are off on both sides. The client needs about as much processor
time as the server, and both share the cores, so the rate is that of the pair; *server's CPU* is the processor time of the server's own processes
for one connection. In each turn three servers are started anew, stock, another stock, and preloaded, warmed for a second each, and loaded by
slices of a fifth of a second, by turns in all orders: what else a machine does changes from one second to the next. A ratio is that of the sums of a
turn, and the median over the turns; with a certainty of 95 % the true one lies where the brackets say. What two stock servers differ by is what the
figures of this machine are good for. The client's 128 sessions are asked for again and again in TLS 1.2: a worker opens each twice and then copies
it (`src/shim/opened.rs`). Of TLS 1.3 each session is asked for once.
";
