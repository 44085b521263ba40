//! What the counters say together: how often clients came back, how often their sessions were found, and why not.

use std::fs;
use std::path::Path;

use sesscache::tools::{Counter, Process, Relay, Remark, Report};

use crate::say;

/// Why a session was not found, in the order in which it is told.
pub(crate) const REASONS: [(Counter, &str, &str); 8] = [
    (Counter::Unknown, "unknown", "never seen, or removed"),
    (Counter::Expired, "expired", "expired"),
    (Counter::Overwritten, "overwritten", "overwritten by newer ones"),
    (Counter::OtherScope, "other_scope", "another service's"),
    (Counter::KeyGone, "key_gone", "sealed by a key that is gone"),
    (Counter::TakenByOther, "taken", "taken by another, for single use"),
    (Counter::Flushed, "flushed", "ended by a flush"),
    (Counter::Unopened, "spoiled", "spoiled"),
];

/// One's counts, of all processes or of one.
pub(crate) struct Seen {
    pub(crate) own: u64,
    pub(crate) shared: u64,
    pub(crate) application: u64,
    /// As `REASONS` has them.
    pub(crate) missed: [u64; REASONS.len()],
}

impl Seen {
    pub(crate) fn of(counted: impl Fn(Counter) -> u64) -> Seen {
        let application = counted(Counter::Application);
        let mut missed = REASONS.map(|(counter, _, _)| counted(counter));
        // What the application knew was asked of the region first.
        if let Some(unknown) = missed.first_mut() {
            *unknown = unknown.saturating_sub(application);
        }
        Seen { own: counted(Counter::Own), shared: counted(Counter::Hit), application, missed }
    }

    pub(crate) fn of_all(report: &Report) -> Seen {
        Seen::of(|counter| report.counted(counter))
    }

    pub(crate) fn of_process(process: &Process) -> Seen {
        Seen::of(|counter| process.counted(counter))
    }

    pub(crate) fn found(&self) -> u64 {
        self.own + self.shared + self.application
    }

    pub(crate) fn asked(&self) -> u64 {
        self.found() + self.missed.iter().sum::<u64>()
    }

    fn missed_by(&self, counter: Counter) -> u64 {
        let at = REASONS.iter().position(|(other, _, _)| *other == counter);
        at.and_then(|at| self.missed.get(at)).copied().unwrap_or(0)
    }

    /// What happened since an earlier look.
    pub(crate) fn since(&self, before: &Seen) -> Seen {
        let mut missed = self.missed;
        missed.iter_mut().zip(before.missed).for_each(|(now, before)| *now = now.saturating_sub(before));
        Seen {
            own: self.own.saturating_sub(before.own),
            shared: self.shared.saturating_sub(before.shared),
            application: self.application.saturating_sub(before.application),
            missed,
        }
    }
}

/// What an operator may want to change, sentence by sentence.
pub(crate) fn advice(report: &Report) -> Vec<String> {
    let seen = Seen::of_all(report);
    let mut advice = Vec::new();
    let overwritten = seen.missed_by(Counter::Overwritten);
    if overwritten * 100 > seen.asked() {
        let larger = say::bytes(report.bytes * 4);
        advice.push(format!(
            "the region is too small: {} of the sessions that clients asked for had been overwritten. Make a new one of {larger}",
            say::percent(overwritten, seen.asked())
        ));
    }
    if seen.missed_by(Counter::Unopened) > 0 {
        advice.push("records were spoiled: somebody else writes to the region, or a process slept in the middle of writing one".to_owned());
    }
    let lost = report.counted(Counter::TooLarge) + report.counted(Counter::Lost);
    if lost * 100 > report.counted(Counter::Published) {
        advice.push(format!(
            "{} sessions could not be shared: they are larger than 16 KiB, the region is too small, or a sandbox gives the process no random bytes (getrandom)",
            say::number(lost)
        ));
    }
    if report.relay.as_ref().is_some_and(|relay| is_silent(relay, super::now())) {
        advice.push("the relay is gone: sessions no longer go to other machines. Start it again".to_owned());
    }
    advice
}

/// Whether a relay has not been seen for longer than one at work would be: it says so each second.
pub(crate) fn is_silent(relay: &Relay, now: i64) -> bool {
    now.abs_diff(relay.seen) > 15
}

/// Those of which something follows: tickets are kept where clients are verified in a way that cannot be told from others.
pub(crate) fn worth_telling(remarks: &[Remark]) -> impl Iterator<Item = Remark> {
    let follows = |remark: &Remark| *remark != Remark::Stateless || !remarks.contains(&Remark::Untold);
    Remark::ALL.into_iter().filter(move |remark| remarks.contains(remark) && follows(remark))
}

/// What a remark says of a process.
pub(crate) fn remark_of(remark: Remark) -> &'static str {
    match remark {
        Remark::KeepsData => "the program keeps data on its sessions (ex_data), so none is shared",
        Remark::CacheOff => {
            "a server's session cache is off there: its clients resume by tickets, or not at all"
        }
        Remark::Stateless => "tickets are handed out that hold the session and pass every cache by",
        Remark::Untold => {
            "who this service is, or how it verifies its clients, cannot be told from others: its sessions are for one start of it alone"
        }
    }
}

/// What an operator can do about it.
pub(crate) fn remark_mend(remark: Remark) -> &'static str {
    match remark {
        Remark::KeepsData => {
            "if the program can do without that data, SESSCACHE_EX_DATA=share (stunnel's `redirect` cannot)"
        }
        Remark::CacheOff => {
            "switch it on in the server's configuration, if that is not meant so (Apache: SSLSessionCache, lighttpd: ssl.session-cache)"
        }
        Remark::Stateless => {
            "set SESSCACHE_TICKETS=stateful; if it is set the program has decided about tickets itself: switch them off there"
        }
        Remark::Untold => "give the service a name of its own by SESSCACHE_SCOPE",
    }
}

/// The name of a process, if it is at work.
pub(crate) fn name_of(pid: u32) -> Option<String> {
    let folder = Path::new("/proc").join(pid.to_string());
    fs::read_to_string(folder.join("comm")).ok().map(|name| say::clean(name.trim_end()))
}
