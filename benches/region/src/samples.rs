//! The samples as they were written, and what the page asks of them.

pub struct Store {
    pub store: String,
    pub processes: u64,
    pub sessions: u64,
    pub work: String,
    pub round: u64,
    pub rate: f64,
    pub median: f64,
    pub p99: f64,
}

pub struct Capacity {
    pub name: String,
    pub length: u64,
    pub bytes: u64,
    pub newest: u64,
    pub all: u64,
}

pub struct Handshakes {
    pub server: String,
    pub protocol: String,
    pub turn: u64,
    pub who: String,
    pub resumed: u64,
    /// Connections that were not resumed.
    pub full: u64,
    seconds: f64,
    /// The server's processor time, in nanoseconds.
    time: f64,
}

impl Handshakes {
    /// Resumed a second.
    pub fn rate(&self) -> f64 {
        self.resumed as f64 / self.seconds
    }

    /// The server's processor time for each connection, in microseconds.
    pub fn cost(&self) -> f64 {
        self.time / 1e3 / (self.resumed + self.full).max(1) as f64
    }

    fn is_of_turn(&self, other: &Handshakes) -> bool {
        (&self.server, &self.protocol, self.turn, &self.who)
            == (&other.server, &other.protocol, other.turn, &other.who)
    }
}

#[derive(Default)]
pub struct Samples {
    pub stores: Vec<Store>,
    pub capacities: Vec<Capacity>,
    pub handshakes: Vec<Handshakes>,
}

impl Samples {
    pub fn read(text: &str) -> Result<Samples, String> {
        let mut samples = Samples::default();
        for line in text.lines() {
            samples.add(line).ok_or_else(|| format!("not a sample: {line}"))?;
        }
        Ok(samples)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |text: &str| text.parse::<u64>().ok();
        let real = |text: &str| text.parse::<f64>().ok();
        match *fields.as_slice() {
            ["store", store, processes, sessions, work, round, rate, median, p99] => {
                self.stores.push(Store {
                    store: store.to_owned(),
                    processes: number(processes)?,
                    sessions: number(sessions)?,
                    work: work.to_owned(),
                    round: number(round)?,
                    rate: real(rate)?,
                    median: real(median)?,
                    p99: real(p99)?,
                })
            }
            ["capacity", name, length, bytes, newest, all] => self.capacities.push(Capacity {
                name: name.to_owned(),
                length: number(length)?,
                bytes: number(bytes)?,
                newest: number(newest)?,
                all: number(all)?,
            }),
            ["handshake", server, protocol, turn, who, resumed, full, seconds, time] => {
                self.add_slice(Handshakes {
                    server: server.to_owned(),
                    protocol: protocol.to_owned(),
                    turn: number(turn)?,
                    who: who.to_owned(),
                    resumed: number(resumed)?,
                    full: number(full)?,
                    seconds: real(seconds)?,
                    time: real(time)?,
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// A turn is the sum of its slices.
    fn add_slice(&mut self, slice: Handshakes) {
        match self.handshakes.iter_mut().find(|turn| turn.is_of_turn(&slice)) {
            None => self.handshakes.push(slice),
            Some(turn) => {
                turn.resumed += slice.resumed;
                turn.full += slice.full;
                turn.seconds += slice.seconds;
                turn.time += slice.time;
            }
        }
    }

    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes: Vec<u64> = self.stores.iter().map(|sample| sample.sessions).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Of one store at one size: one figure over the rounds, if it was measured there.
    pub fn over_rounds(&self, case: &Case<'_>, figure: impl Fn(&Store) -> f64) -> Option<Spread> {
        Spread::of(self.stores.iter().filter(|sample| case.is_of(sample)).map(figure).collect())
    }

    /// How many times longer another store takes than the region, within each round.
    pub fn ratio(&self, other: &Case<'_>) -> Option<Spread> {
        let region = Case { store: "region", ..*other };
        let ratios = self.stores.iter().filter(|sample| other.is_of(sample)).filter_map(|sample| {
            let ours = self.stores.iter().find(|ours| region.is_of(ours) && ours.round == sample.round)?;
            Some(sample.median / ours.median)
        });
        Spread::of(ratios.collect())
    }

    /// Figures of one server's handshakes, the stock one's and ours.
    pub fn of_server(&self, server: &str, protocol: &str, who: &str) -> Vec<&Handshakes> {
        let is_its = |sample: &&Handshakes| {
            sample.server == server && sample.protocol == protocol && sample.who == who
        };
        self.handshakes.iter().filter(is_its).collect()
    }
}

/// What a row of the page is about.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub store: &'a str,
    pub processes: u64,
    pub sessions: u64,
    pub work: &'a str,
}

impl Case<'_> {
    fn is_of(&self, sample: &Store) -> bool {
        (sample.store.as_str(), sample.processes, sample.sessions, sample.work.as_str())
            == (self.store, self.processes, self.sessions, self.work)
    }
}

/// The median of several figures, with the least and the greatest.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    /// The median that any number of figures would have lies between these, with a certainty of 95 %.
    pub certain: [f64; 2],
}

impl Spread {
    pub fn of(mut figures: Vec<f64>) -> Option<Spread> {
        figures.sort_by(f64::total_cmp);
        let (least, most) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = match figures.len() % 2 {
            1 => figures[middle],
            _ => (figures[middle - 1] + figures[middle]) / 2.0,
        };
        let outside = uncertain(figures.len());
        let certain = [figures[outside], figures[figures.len() - 1 - outside]];
        Some(Spread { median, least, most, certain })
    }
}

/// How many of so many figures, at each end, may be left out of an interval that holds the true median with a certainty of 95 %: each
/// figure lies on either side of that by the toss of a coin. With fewer than six none, and it is less certain.
fn uncertain(figures: usize) -> usize {
    let mut chance = 0.5_f64.powi(figures as i32);
    let mut outside = chance;
    let mut left_out = 0;
    while left_out < figures / 2 {
        chance *= (figures - left_out) as f64 / (left_out + 1) as f64;
        outside += chance;
        if outside > 0.025 {
            break;
        }
        left_out += 1;
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_least_median_most() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0, 10.0]).unwrap();
        assert_eq!([spread.least, spread.median, spread.most], [1.0, 2.5, 10.0]);
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]).unwrap().median, 2.0);
        assert!(Spread::of(Vec::new()).is_none());
    }

    #[test]
    fn an_interval_is_that_of_the_sign_test() {
        // By the tables of that test: the ranks of the ends, counted from nought.
        for (figures, left_out) in [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (12, 2), (24, 6), (40, 13)] {
            assert_eq!(uncertain(figures), left_out, "{figures}");
        }
        let spread = Spread::of((0..12).map(f64::from).collect()).unwrap();
        assert_eq!(spread.certain, [2.0, 9.0]);
    }

    #[test]
    fn ratios_are_taken_within_each_round() {
        let line = |store, round, median| format!("store\t{store}\t1\t1000\tget\t{round}\t5\t{median}\t9\n");
        let text =
            [line("region", 1, 10), line("x", 1, 30), line("region", 2, 100), line("x", 2, 200)].concat();
        let samples = Samples::read(&text).unwrap();
        let ratio = samples.ratio(&Case { store: "x", processes: 1, sessions: 1000, work: "get" }).unwrap();
        assert_eq!([ratio.least, ratio.most], [2.0, 3.0]);
    }

    #[test]
    fn a_turn_is_the_sum_of_its_slices() {
        let slice =
            |turn, who, resumed| format!("handshake\tnginx\t1.3\t{turn}\t{who}\t{resumed}\t1\t0.5\t300000\n");
        let text =
            [slice(1, "ours", 3), slice(1, "stock", 7), slice(1, "ours", 5), slice(2, "ours", 9)].concat();
        let samples = Samples::read(&text).unwrap();
        let ours = samples.of_server("nginx", "1.3", "ours");
        assert_eq!(ours.iter().map(|turn| (turn.turn, turn.resumed)).collect::<Vec<_>>(), [(1, 8), (2, 9)]);
        assert_eq!((ours[0].rate(), ours[0].cost(), ours[0].full), (8.0, 60.0, 2));
    }

    #[test]
    fn what_is_no_sample_is_an_error() {
        assert!(Samples::read("store\tregion\n").is_err());
        assert!(Samples::read("capacity\ttls12\t165\tmany\t1\t1\n").is_err());
    }
}
