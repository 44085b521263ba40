//! For programs: JSON, and OpenMetrics for Prometheus.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sesscache::tools::{AGES, Counter, Process, Relay, Remark, Report};

use super::Looked;
use super::view::{self, REASONS, Seen};

pub(super) fn json(looked: &[Looked]) -> String {
    let regions: Vec<Value> = looked.iter().map(region).collect();
    format!("{:#}\n", json!({ "regions": regions }))
}

fn region(looked: &Looked) -> Value {
    let Looked { name, report } = looked;
    let sessions = &report.sessions;
    let limits = AGES.iter().map(|limit| Some(*limit)).chain([None]);
    let ages: Vec<Value> = limits
        .zip(sessions.ages)
        .map(|(below, count)| json!({ "below_seconds": below, "sessions": count }))
        .collect();
    let keys: Vec<Value> = sessions
        .keys
        .iter()
        .map(|(tag, count)| json!({ "tag": format!("{tag:04x}"), "sessions": count }))
        .collect();
    json!({
        "region": name,
        "bytes": report.bytes,
        "made": report.made,
        "ring_bytes": report.ring,
        "written_bytes": report.written,
        "sessions": {
            "live": sessions.live, "single_use": sessions.single_use, "expired": sessions.expired,
            "bytes": sessions.bytes, "oldest_seconds": sessions.oldest, "ages": ages, "keys": keys,
        },
        "lookups": lookups(&Seen::of_all(report)),
        "counters": counters(|counter| report.counted(counter)),
        "processes": report.processes.iter().map(process).collect::<Vec<_>>(),
        "relay": report.relay.as_ref().map(relay),
        "advice": view::advice(report),
    })
}

fn relay(relay: &Relay) -> Value {
    json!({
        "pid": relay.pid,
        "seen": relay.seen,
        "sent": relay.sent,
        "received": relay.received,
        "behind": relay.behind,
        "troubled": relay.troubled,
    })
}

fn process(process: &Process) -> Value {
    json!({
        "pid": process.id,
        "name": view::name_of(process.id),
        "since": process.since,
        "seen": process.seen,
        "lookups": lookups(&Seen::of_process(process)),
        "counters": counters(|counter| process.counted(counter)),
        "remarks": process.remarks.iter().map(|remark| remark_name(*remark)).collect::<Vec<_>>(),
    })
}

fn lookups(seen: &Seen) -> Value {
    let missed: serde_json::Map<String, Value> = REASONS
        .iter()
        .zip(seen.missed)
        .map(|((_, name, _), count)| ((*name).to_owned(), count.into()))
        .collect();
    let ratio =
        if seen.asked() == 0 { Value::Null } else { (seen.found() as f64 / seen.asked() as f64).into() };
    json!({
        "asked": seen.asked(), "found": seen.found(), "ratio": ratio,
        "own": seen.own, "region": seen.shared, "application": seen.application, "missed": missed,
    })
}

fn counters(counted: impl Fn(Counter) -> u64) -> Value {
    Counter::ALL
        .iter()
        .map(|counter| (counter.name().to_owned(), counted(*counter).into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn remark_name(remark: Remark) -> &'static str {
    match remark {
        Remark::KeepsData => "keeps_data",
        Remark::CacheOff => "cache_off",
        Remark::Stateless => "stateless_tickets",
        Remark::Untold => "untold_verification",
    }
}

/// One family of metrics, and how a region fills it.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: fn(&Report) -> Vec<(String, f64)>,
}

const FAMILIES: [Family; 10] = [
    Family {
        name: "sesscache_lookups",
        kind: "counter",
        help: "Sessions that clients came back for, by where they were found or why not.",
        samples: looked_up,
    },
    Family {
        name: "sesscache_shared",
        kind: "counter",
        help: "Sessions that were put into the region.",
        samples: |report| vec![(String::new(), report.counted(Counter::Published) as f64)],
    },
    Family {
        name: "sesscache_not_shared",
        kind: "counter",
        help: "Sessions that could not be put there.",
        samples: |report| {
            let sample =
                |reason: &str, counter| (format!("reason=\"{reason}\""), report.counted(counter) as f64);
            vec![sample("too_large", Counter::TooLarge), sample("lost", Counter::Lost)]
        },
    },
    Family {
        name: "sesscache_removed",
        kind: "counter",
        help: "Sessions that were removed for every process.",
        samples: |report| vec![(String::new(), report.counted(Counter::Removed) as f64)],
    },
    Family {
        name: "sesscache_flushes",
        kind: "counter",
        help: "Flushes of everything.",
        samples: |report| vec![(String::new(), report.counted(Counter::Flush) as f64)],
    },
    Family {
        name: "sesscache_sessions",
        kind: "gauge",
        help: "Sessions in the region.",
        samples: |report| {
            let sessions = &report.sessions;
            vec![
                ("state=\"live\"".to_owned(), sessions.live as f64),
                ("state=\"expired\"".to_owned(), sessions.expired as f64),
            ]
        },
    },
    Family {
        name: "sesscache_region_bytes",
        kind: "gauge",
        help: "Size of the region.",
        samples: |report| vec![(String::new(), report.bytes as f64)],
    },
    Family {
        name: "sesscache_fill_ratio",
        kind: "gauge",
        help: "Part of the region that has been written to.",
        samples: |report| {
            vec![(String::new(), report.written.min(report.ring) as f64 / report.ring.max(1) as f64)]
        },
    },
    Family {
        name: "sesscache_written_bytes",
        kind: "counter",
        help: "Bytes of sessions that were written to the region, which begins anew when it is full.",
        samples: |report| vec![(String::new(), report.written as f64)],
    },
    Family {
        name: "sesscache_oldest_seconds",
        kind: "gauge",
        help: "How long ago the first full handshake of the oldest session was.",
        samples: |report| vec![(String::new(), report.sessions.oldest as f64)],
    },
];

fn looked_up(report: &Report) -> Vec<(String, f64)> {
    let seen = Seen::of_all(report);
    let found = [("own", seen.own), ("region", seen.shared), ("application", seen.application)];
    let found = found.map(|(place, count)| (format!("result=\"found\",reason=\"{place}\""), count as f64));
    let missed = REASONS.iter().zip(seen.missed);
    let missed =
        missed.map(|((_, name, _), count)| (format!("result=\"missed\",reason=\"{name}\""), count as f64));
    found.into_iter().chain(missed).collect()
}

pub(super) fn openmetrics(looked: &[Looked]) -> String {
    let mut text = String::new();
    for Family { name, kind, help, samples } in &FAMILIES {
        let _ = writeln!(text, "# TYPE {name} {kind}\n# HELP {name} {help}");
        let suffix = if *kind == "counter" { "_total" } else { "" };
        for one in looked {
            let region = escaped(&one.name);
            for (labels, value) in samples(&one.report) {
                let comma = if labels.is_empty() { "" } else { "," };
                let _ = writeln!(text, "{name}{suffix}{{region=\"{region}\"{comma}{labels}}} {value}");
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
