//! Numbers at random, the same in every run.

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Random {
        Random(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// From nought, and less than one.
    pub(crate) fn part(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 48) as f64
    }

    /// A time to wait for something that happens so often a second.
    pub(crate) fn wait(&mut self, a_second: f64) -> f64 {
        -(1.0 - self.part()).ln() / a_second
    }
}
