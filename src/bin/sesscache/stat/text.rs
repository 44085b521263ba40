//! For people: a page that is understood at a glance.

use std::fmt::Write as _;

use sesscache::tools::{Counter, Process, Remark, Report};

use super::Looked;
use super::view::{self, REASONS, Seen};
use crate::say;

const BAR: u32 = 24;
/// So many processes are told one by one.
const PROCESSES: usize = 12;

pub(super) fn draw(looked: &Looked, since: Option<(&Report, i64)>, now: i64) -> String {
    let Looked { name, report } = looked;
    let mut page = format!("{}\n", say::clean(name));
    let made = u64::try_from(now - report.made).unwrap_or(0);
    let _ = writeln!(page, "{}, made {} ago\n", say::bytes(report.bytes), say::duration(made));
    filled(&mut page, report, made);
    found(&mut page, report, since);
    ages(&mut page, report);
    processes(&mut page, report);
    relay(&mut page, report, now);
    for sentence in view::advice(report) {
        let _ = writeln!(page, "\n  ! {sentence}");
    }
    page
}

/// A line with a label, a number, its share and a bar of it.
fn line(page: &mut String, label: &str, part: u64, whole: u64) {
    let _ = writeln!(
        page,
        "    {label:<34}{:>13}{:>9}  {}",
        say::number(part),
        say::percent(part, whole),
        say::bar(part, whole, BAR)
    );
}

fn filled(page: &mut String, report: &Report, made: u64) {
    let sessions = &report.sessions;
    let used = report.written.min(report.ring);
    let _ = writeln!(page, "  Region");
    let label = format!("KiB written, of {}", say::number(report.ring / 1024));
    line(page, &label, used / 1024, report.ring / 1024);
    let all = sessions.live + sessions.expired;
    if all > 0 {
        let room = report.ring.saturating_mul(all) / sessions.bytes.max(1);
        // Three digits are as many as the estimate is good for.
        let unit = 10_u64.pow(room.checked_ilog10().unwrap_or(0).saturating_sub(2));
        let label = format!("sessions, with room for {}", say::number(room / unit * unit));
        line(page, &label, sessions.live, room);
    }
    if sessions.single_use > 0 {
        let _ = writeln!(
            page,
            "    {:<34}{:>13}",
            "  of these, for single use",
            say::number(sessions.single_use)
        );
    }
    if report.written > report.ring && made > 0 {
        let round = report.ring.saturating_mul(made) / report.written.max(1);
        let _ = writeln!(page, "    the oldest are overwritten after {} or so", say::duration(round));
    }
    if sessions.keys.len() > 1 {
        let keys: Vec<_> =
            sessions.keys.iter().map(|(tag, count)| format!("{tag:04x} {}", say::number(*count))).collect();
        let _ = writeln!(page, "    sealed by the keys {}", keys.join(", "));
    }
}

fn found(page: &mut String, report: &Report, since: Option<(&Report, i64)>) {
    let seen = Seen::of_all(report);
    let asked = seen.asked();
    let _ = writeln!(page, "\n  Sessions that clients came back for: {}", say::number(asked));
    if let Some((before, seconds)) = since {
        let news = seen.since(&Seen::of_all(before));
        let rate = news.asked() / seconds.unsigned_abs().max(1);
        let _ = writeln!(
            page,
            "    in the last {seconds} s: {} a second, {} found",
            say::number(rate),
            say::percent(news.found(), news.asked())
        );
    }
    line(page, "found", seen.found(), asked);
    line(page, "  in the process's own cache", seen.own, asked);
    line(page, "  in the region", seen.shared, asked);
    if seen.application > 0 {
        line(page, "  by the program's own callback", seen.application, asked);
    }
    line(page, "not found", asked - seen.found(), asked);
    for ((_, _, label), count) in REASONS.iter().zip(seen.missed).filter(|(_, count)| *count > 0) {
        line(page, &format!("  {label}"), count, asked);
    }
    let counted = |counter| say::number(report.counted(counter));
    let _ = writeln!(
        page,
        "    shared {}, removed {}, flushes {}",
        counted(Counter::Published),
        counted(Counter::Removed),
        counted(Counter::Flush)
    );
}

fn ages(page: &mut String, report: &Report) {
    let sessions = &report.sessions;
    if sessions.live == 0 {
        return;
    }
    let _ = writeln!(
        page,
        "\n  Ages of the sessions, by their first full handshake; the oldest {}",
        say::duration(sessions.oldest)
    );
    let labels =
        ["below 1 minute", "below 10 minutes", "below 1 hour", "below 6 hours", "below 24 hours", "older"];
    for (label, count) in labels.iter().zip(sessions.ages).filter(|(_, count)| *count > 0) {
        line(page, label, count, sessions.live);
    }
}

fn processes(page: &mut String, report: &Report) {
    let (mut alive, ended): (Vec<_>, Vec<_>) = report
        .processes
        .iter()
        .map(|process| (view::name_of(process.id), process))
        .partition(|(name, _)| name.is_some());
    if alive.is_empty() && ended.is_empty() {
        return;
    }
    alive.sort_by_key(|(_, process)| std::cmp::Reverse(Seen::of_process(process).asked()));
    let _ = writeln!(
        page,
        "\n  {:<24}{:>11}{:>9}{:>11}{:>11}{:>11}",
        "Process", "asked", "found", "own", "region", "shared"
    );
    for (name, process) in alive.iter().take(PROCESSES) {
        row(page, &format!("{} {}", process.id, name.as_deref().unwrap_or("")), process);
    }
    if alive.len() > PROCESSES {
        let _ = writeln!(page, "  and {} more", alive.len() - PROCESSES);
    }
    if !ended.is_empty() {
        let _ = writeln!(page, "  and {} that have ended", ended.len());
    }
    let all = alive.iter().chain(&ended).flat_map(|(_, process)| &process.remarks);
    let all: Vec<Remark> = all.copied().collect();
    for remark in view::worth_telling(&all) {
        let _ = writeln!(page, "\n  ! {}\n    → {}", view::remark_of(remark), view::remark_mend(remark));
    }
}

fn relay(page: &mut String, report: &Report, now: i64) {
    let Some(relay) = &report.relay else { return };
    let how = match () {
        () if view::is_silent(relay, now) => "not seen any more",
        () if relay.troubled => "its server is out of reach",
        () => "working",
    };
    let _ = writeln!(
        page,
        "\n  Relay, process {}: {how}; sent {}, brought {}, yet to send {}",
        relay.pid,
        say::number(relay.sent),
        say::number(relay.received),
        say::number(relay.behind)
    );
}

fn row(page: &mut String, name: &str, process: &Process) {
    let seen = Seen::of_process(process);
    let _ = writeln!(
        page,
        "  {name:<24}{:>11}{:>9}{:>11}{:>11}{:>11}",
        say::number(seen.asked()),
        say::percent(seen.found(), seen.asked()),
        say::number(seen.own),
        say::number(seen.shared),
        say::number(process.counted(Counter::Published)),
    );
}
