//! Processes that use a store together. They are forked, told by pipes what to do, and answer with what it took.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

use crate::stores::{Backend, Id, Store};

/// The length of a session, the one that the targets speak of.
pub const SESSION: usize = 300;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Puts new sessions, untimed.
    Fill,
    /// Puts new sessions.
    Put,
    /// Gets sessions of all processes at random.
    Get,
    /// Takes the oldest ones of its own.
    Take,
}

impl Work {
    const ALL: [Work; 4] = [Work::Fill, Work::Put, Work::Get, Work::Take];
    pub const TIMED: [Work; 3] = [Work::Put, Work::Get, Work::Take];

    pub fn name(self) -> &'static str {
        match self {
            Work::Fill => "fill",
            Work::Put => "put",
            Work::Get => "get",
            Work::Take => "take",
        }
    }
}

/// What all processes did together.
pub struct Outcome {
    /// Operations a second, of all of them.
    pub rate: f64,
    /// Of one operation, in nanoseconds.
    pub median: u32,
    pub p99: u32,
}

pub struct Workers(Vec<Worker>);

struct Worker {
    process: libc::pid_t,
    orders: File,
    answers: File,
}

impl Workers {
    pub fn start(backend: &Backend, count: usize) -> Workers {
        Workers((0..count).map(|number| Worker::start(backend, number, count)).collect())
    }

    /// Lets each do this so many times, all at once.
    pub fn run(&mut self, work: Work, each: u64) -> Result<Outcome, String> {
        let fail = |error: std::io::Error| format!("a process of the benchmark is gone ({work:?}): {error}");
        for worker in &mut self.0 {
            let mut order = [0; 9];
            order[0] = work as u8;
            order[1..].copy_from_slice(&each.to_le_bytes());
            worker.orders.write_all(&order).map_err(fail)?;
        }
        let (mut begin, mut end, mut spans) = (u64::MAX, 0, Vec::new());
        for worker in &mut self.0 {
            begin = begin.min(number(&mut worker.answers).map_err(fail)?);
            end = end.max(number(&mut worker.answers).map_err(fail)?);
            let mut bytes =
                vec![0; usize::try_from(number(&mut worker.answers).map_err(fail)?).unwrap_or(0) * 4];
            worker.answers.read_exact(&mut bytes).map_err(fail)?;
            spans.extend(bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        }
        spans.sort_unstable();
        let at = |part: usize| spans.get(spans.len() * part / 100).copied().unwrap_or(0);
        let rate = (each * self.0.len() as u64) as f64 * 1e9 / (end - begin).max(1) as f64;
        Ok(Outcome { rate, median: at(50), p99: at(99) })
    }
}

fn number(from: &mut File) -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

impl Worker {
    fn start(backend: &Backend, own: usize, count: usize) -> Worker {
        let (orders_in, orders) = pipe();
        let (answers, answers_out) = pipe();
        // SAFETY: this program has one thread.
        let process = unsafe { libc::fork() };
        assert!(process >= 0, "fork: {}", std::io::Error::last_os_error());
        if process == 0 {
            drop((orders, answers));
            let work = std::panic::AssertUnwindSafe(|| {
                Laborer::new(backend.connect(), own, count).serve(orders_in, answers_out);
            });
            let good = std::panic::catch_unwind(work).is_ok();
            // SAFETY: ends this process; what the parent has is the parent's to end.
            unsafe { libc::_exit(i32::from(!good)) };
        }
        Worker { process, orders, answers }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // SAFETY: a child that nobody has waited for, so the number is its own.
        unsafe { libc::kill(self.process, libc::SIGKILL) };
        // SAFETY: the same; its status is not wanted.
        unsafe { libc::waitpid(self.process, std::ptr::null_mut(), 0) };
    }
}

/// Closed on exec, and in a process that is forked later only inherited, never used.
fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0, "pipe: out of descriptors");
    // SAFETY: new descriptors of ours.
    ends.map(|end| unsafe { File::from_raw_fd(end) }).into()
}

/// In the process itself. The sessions that are there are numbered, for each process alike, from `low` to `high`.
struct Laborer<'a> {
    store: Box<dyn Store + 'a>,
    own: u64,
    count: u64,
    low: u64,
    high: u64,
    random: u64,
}

impl<'a> Laborer<'a> {
    fn new(store: Box<dyn Store + 'a>, own: usize, count: usize) -> Laborer<'a> {
        let own = own as u64;
        Laborer { store, own, count: count as u64, low: 0, high: 0, random: own + 1 }
    }

    /// Until no more orders come.
    fn serve(&mut self, mut orders: File, mut answers: File) {
        let mut order = [0; 9];
        while orders.read_exact(&mut order).is_ok() {
            let work = Work::ALL[usize::from(order[0])];
            let [_, each @ ..] = order;
            let (begin, end, spans) = self.labor(work, u64::from_le_bytes(each));
            let mut answer = Vec::with_capacity(24 + spans.len() * 4);
            answer.extend([begin, end, spans.len() as u64].iter().flat_map(|number| number.to_le_bytes()));
            answer.extend(spans.iter().flat_map(|span| span.to_le_bytes()));
            answers.write_all(&answer).expect("the benchmark listens");
        }
    }

    fn labor(&mut self, work: Work, each: u64) -> (u64, u64, Vec<u32>) {
        let mut spans = Vec::with_capacity(if work == Work::Fill { 0 } else { each as usize });
        let mut session = [0x5a; SESSION];
        let mut found = Vec::with_capacity(SESSION);
        let begin = now();
        let mut last = begin;
        for _ in 0..each {
            self.one(work, &mut session, &mut found);
            if work != Work::Fill {
                let this = now();
                spans.push(u32::try_from(this - last).unwrap_or(u32::MAX));
                last = this;
            }
        }
        (begin, now(), spans)
    }

    fn one(&mut self, work: Work, session: &mut [u8; SESSION], found: &mut Vec<u8>) {
        match work {
            Work::Fill | Work::Put => {
                let number = self.high;
                session[..8].copy_from_slice(&number.to_le_bytes());
                self.store.put(&id(self.own, number), session);
                self.high += 1;
            }
            Work::Get => {
                let process = mixed(&mut self.random) % self.count;
                let number = self.low + mixed(&mut self.random) % (self.high - self.low);
                assert!(
                    self.store.get(&id(process, number), found),
                    "session {number} of {process} is missing"
                );
                check(found, number);
            }
            Work::Take => {
                let number = self.low;
                assert!(
                    self.store.take(&id(self.own, number), found),
                    "session {number} is not there to take"
                );
                check(found, number);
                self.low += 1;
            }
        }
    }
}

fn check(found: &[u8], number: u64) {
    assert!(found.len() == SESSION && found[..8] == number.to_le_bytes(), "that is not session {number}");
}

/// As random as those that TLS servers make.
fn id(process: u64, number: u64) -> Id {
    let mut state = number << 8 | process;
    let mut id = [0; 32];
    id.as_chunks_mut().0.iter_mut().for_each(|bytes| *bytes = mixed(&mut state).to_le_bytes());
    id
}

/// Steele, Lea and Flood's splitmix64.
pub fn mixed(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Monotonic nanoseconds, the same for all processes.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the time.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
