//! Not more than so many records a second.

use std::time::{Duration, Instant};

pub(super) struct Pace {
    a_second: Option<u64>,
    /// When what was passed so far would have been passed at that rate.
    due: Instant,
}

impl Pace {
    /// Without a number there is no limit.
    pub(super) fn new(a_second: Option<u64>) -> Pace {
        Pace { a_second, due: Instant::now() }
    }

    /// How long to wait before the next records, now that so many more have passed.
    pub(super) fn passed(&mut self, records: u64) -> Duration {
        let Some(a_second) = self.a_second else { return Duration::ZERO };
        let now = Instant::now();
        // What was not used is not saved up.
        self.due = self.due.max(now) + Duration::from_secs_f64(records as f64 / a_second as f64);
        self.due - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_take_their_time() {
        let mut pace = Pace::new(Some(1000));
        let (first, second) = (pace.passed(500), pace.passed(500));
        assert!(first > Duration::from_millis(400) && first <= Duration::from_millis(500));
        assert!(second > Duration::from_millis(900) && second <= Duration::from_secs(1));
        assert_eq!(Pace::new(None).passed(1 << 40), Duration::ZERO);
    }
}
