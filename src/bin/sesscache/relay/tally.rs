//! What a relay has done, and how it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sesscache::tools::relay::{Arrivals, Carrier};

/// Counters, each with what it is called and what it means.
#[derive(Default)]
pub(super) struct Tally {
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    entries: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    known: AtomicU64,
    expired: AtomicU64,
    lost: AtomicU64,
    odd: AtomicU64,
    failures: AtomicU64,
    searches: AtomicU64,
    behind: AtomicU64,
    sending_fails: AtomicBool,
    reading_fails: AtomicBool,
    /// What the region was told last.
    told: [AtomicU64; 2],
}

impl Tally {
    pub(super) fn has_sent(&self, letters: u64, bytes: u64) {
        self.sent.fetch_add(letters, Ordering::Relaxed);
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.sending_fails.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_received(&self, arrivals: &Arrivals, bytes: u64) {
        let Arrivals { put, known, expired, lost, odd } = *arrivals;
        let counted = [
            (&self.received, put),
            (&self.known, known),
            (&self.expired, expired),
            (&self.lost, lost),
            (&self.odd, odd),
            (&self.received_bytes, bytes),
        ];
        counted.iter().for_each(|(counter, more)| {
            counter.fetch_add(*more, Ordering::Relaxed);
        });
    }

    pub(super) fn sending_failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.sending_fails.store(true, Ordering::Relaxed);
    }

    pub(super) fn reading_failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.reading_fails.store(true, Ordering::Relaxed);
    }

    pub(super) fn reading_works(&self) {
        self.reading_fails.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_searched(&self) {
        self.searches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn is_troubled(&self) -> bool {
        self.sending_fails.load(Ordering::Relaxed) || self.reading_fails.load(Ordering::Relaxed)
    }

    /// Tells the region, for `sesscache stat`, what was done since it was told last.
    pub(super) fn tell(&self, carrier: &Carrier) {
        self.behind.store(carrier.behind(), Ordering::Relaxed);
        let since = |now: u64, told: &AtomicU64| now.wrapping_sub(told.swap(now, Ordering::Relaxed));
        let [sent, received] = &self.told;
        carrier.tell(since(self.sent(), sent), since(self.received(), received), self.is_troubled());
    }

    /// For `systemctl status`.
    pub(super) fn status(&self) -> String {
        let how = if self.is_troubled() { "the server is out of reach" } else { "working" };
        format!(
            "{how}: {} sent, {} received, {} waiting",
            self.sent(),
            self.received(),
            self.behind.load(Ordering::Relaxed)
        )
    }

    /// All of it as OpenMetrics.
    pub(super) fn metrics(&self) -> String {
        let mut text = String::new();
        let counters = [
            ("sent_records", "Records and removals that were appended to the streams", &self.sent),
            ("sent_bytes", "Bytes of these", &self.sent_bytes),
            ("sent_entries", "Entries that they were appended in", &self.entries),
            ("received_records", "Records and removals that were taken into the region", &self.received),
            ("received_bytes", "Bytes that were read, own ones included", &self.received_bytes),
            ("known_records", "Records that the region had, or that had been ended", &self.known),
            ("expired_records", "Records that had expired on their way", &self.expired),
            ("lost_records", "Records that found no place in the region", &self.lost),
            ("odd_entries", "Entries that are not a relay's", &self.odd),
            ("failures", "What did not succeed with the server, and was tried again", &self.failures),
            ("searches", "How often the outbox had come round before it was read", &self.searches),
        ];
        for (name, help, counter) in counters {
            let value = counter.load(Ordering::Relaxed);
            text += &format!(
                "# TYPE sesscache_relay_{name} counter\n# HELP sesscache_relay_{name} {help}.\nsesscache_relay_{name}_total {value}\n"
            );
        }
        let gauges = [
            (
                "behind_records",
                "Entries of the outbox that are yet to be sent",
                self.behind.load(Ordering::Relaxed),
            ),
            ("up", "Whether the server takes and gives records", u64::from(!self.is_troubled())),
        ];
        for (name, help, value) in gauges {
            text += &format!(
                "# TYPE sesscache_relay_{name} gauge\n# HELP sesscache_relay_{name} {help}.\nsesscache_relay_{name} {value}\n"
            );
        }
        text + "# EOF\n"
    }
}
