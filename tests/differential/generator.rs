//! Random programs. Each has a theme, so that programs get deep and not only wide.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::operations::Number::{Below, Client, Exactly, Hook, Mode, Offer, Server, Session, Stepped};
use crate::operations::{DICE, Dice, Number, hook, operation};
use crate::program::{Operation, Program};

/// What every program may do, with its weight.
const COMMON: &[(u32, &str)] = &[
    (4, "add"),
    (4, "remove"),
    (3, "flush"),
    (3, "ids"),
    (2, "has"),
    (1, "counters"),
    (1, "release"),
    (4, "made"),
    (3, "copy"),
    (3, "time"),
    (3, "limit"),
    (1, "rekey"),
    (1, "rename"),
    (1, "remaster"),
    (1, "context_of"),
    (3, "hold"),
    (2, "drop"),
    (3, "mode"),
    (2, "size"),
    (2, "timeout"),
    (1, "named"),
    (3, "option"),
    (3, "on_new"),
    (3, "on_remove"),
    (3, "on_get"),
    (1, "generate"),
    (1, "mark"),
    (1, "switch"),
    (3, "clock"),
    (12, "connect"),
    (3, "close"),
    (1, "exchange"),
    (3, "again"),
    (1, "renegotiate"),
    (1, "ticket"),
];

/// What a theme does at its beginning, and what it does more of.
struct Theme {
    weight: u32,
    focus: u32,
    first: &'static [(&'static str, &'static [Number])],
    /// Weights are added to the common ones.
    more: &'static [(u32, &'static str, &'static [Number])],
    /// Tells how much of what is common is left, in percent.
    common: u32,
    lengths: (usize, usize),
}

const CALLBACKS: (&str, &[Number]) = ("on_remove", &[Server, Below(3), Hook]);

const THEMES: &[Theme] = &[
    // A bit of everything.
    Theme { weight: 6, focus: 0, first: &[], more: &[], common: 100, lengths: (4, 36) },
    // The cache as a table of sessions made by hand.
    Theme {
        weight: 6,
        focus: 1,
        first: &[CALLBACKS, ("size", &[Server])],
        more: &[
            (40, "add", &[]),
            (12, "remove", &[]),
            (12, "flush", &[]),
            (30, "made", &[Below(3)]),
            (16, "time", &[]),
            (16, "limit", &[]),
            (10, "copy", &[]),
            (4, "clock", &[]),
            (4, "mode", &[]),
            (8, "size", &[]),
            (4, "on_remove", &[]),
            (6, "ids", &[]),
            (6, "rename", &[]),
        ],
        common: 4,
        lengths: (16, 120),
    },
    // TLS 1.2 by session id.
    Theme {
        weight: 5,
        focus: 0,
        first: &[("option", &[Server, Exactly(0), Exactly(1)]), CALLBACKS],
        more: &[
            (40, "connect", &[Server, Exactly(0)]),
            (4, "clock", &[]),
            (6, "mode", &[]),
            (8, "on_new", &[]),
            (8, "on_get", &[]),
        ],
        common: 60,
        lengths: (6, 30),
    },
    // TLS 1.3, the ticket being an id.
    Theme {
        weight: 5,
        focus: 1,
        first: &[("option", &[Server, Exactly(0), Exactly(1)])],
        more: &[
            (40, "connect", &[Server, Exactly(1)]),
            (4, "clock", &[]),
            (6, "mode", &[]),
            (8, "on_get", &[]),
            (6, "ticket", &[]),
        ],
        common: 60,
        lengths: (6, 30),
    },
    // Early data, with and without anti-replay.
    Theme {
        weight: 4,
        focus: 0,
        first: &[("option", &[Server, Exactly(3), Exactly(1)]), ("option", &[Server, Exactly(2), Below(2)])],
        more: &[
            (24, "connect", &[Server, Exactly(1), Offer, Exactly(1)]),
            (16, "connect", &[Server, Exactly(1)]),
            (4, "option", &[Server, Below(4)]),
            (8, "on_get", &[]),
            (6, "mode", &[]),
        ],
        common: 50,
        lengths: (6, 30),
    },
    // Clients that show certificates.
    Theme {
        weight: 2,
        focus: 1,
        first: &[
            ("option", &[Exactly(1), Exactly(6), Exactly(1)]),
            ("option", &[Exactly(1), Exactly(0), Below(2)]),
        ],
        more: &[
            (40, "connect", &[Server, Below(2), Offer, Exactly(2)]),
            (6, "on_get", &[]),
            (4, "option", &[]),
        ],
        common: 40,
        lengths: (6, 24),
    },
    // DTLS.
    Theme {
        weight: 2,
        focus: 2,
        first: &[("option", &[Server, Exactly(0), Exactly(1)])],
        more: &[(40, "connect", &[Exactly(2)]), (6, "on_get", &[])],
        common: 60,
        lengths: (6, 24),
    },
    // Lookups that the application answers.
    Theme {
        weight: 5,
        focus: 1,
        first: &[
            ("option", &[Server, Exactly(0), Exactly(1)]),
            ("on_get", &[Server, Below(3)]),
            ("on_new", &[Server, Below(3)]),
            // Most of these keep libssl from looking, storing or both.
            ("mode", &[Server, Stepped(10)]),
        ],
        more: &[
            (30, "connect", &[Server, Below(2), Offer]),
            (20, "on_get", &[Server, Below(3)]),
            (6, "flush", &[]),
            (6, "mode", &[]),
        ],
        common: 30,
        lengths: (6, 30),
    },
    // Callbacks that come back to the cache.
    Theme {
        weight: 5,
        focus: 0,
        first: &[
            ("option", &[Server, Exactly(0), Exactly(1)]),
            ("on_remove", &[Server, Below(3), Below(8)]),
            ("on_new", &[Server, Below(3), Below(4), Below(8)]),
            ("on_get", &[Server, Below(3), Below(40), Below(3), Below(8)]),
        ],
        more: &[
            (20, "add", &[]),
            (20, "made", &[]),
            (10, "remove", &[]),
            (10, "flush", &[]),
            (10, "size", &[]),
            (16, "on_remove", &[Server, Below(3), Below(8)]),
        ],
        common: 50,
        lengths: (10, 50),
    },
    // Switching to another context.
    Theme {
        weight: 3,
        focus: 0,
        first: &[
            ("switch", &[Exactly(0), Below(3), Exactly(1)]),
            ("on_new", &[Exactly(0), Below(3)]),
            ("option", &[Server, Exactly(0), Exactly(1)]),
        ],
        more: &[
            (20, "connect", &[Server, Below(2), Offer, Exactly(8)]),
            (8, "switch", &[]),
            (8, "mode", &[]),
            (8, "on_new", &[]),
        ],
        common: 60,
        lengths: (6, 30),
    },
    // Clients that cache.
    Theme {
        weight: 3,
        focus: 0,
        first: &[
            ("mode", &[Client, Mode]),
            ("on_new", &[Client, Below(3)]),
            ("on_remove", &[Client, Below(3), Hook]),
        ],
        more: &[
            (6, "mode", &[Client]),
            (6, "size", &[Client]),
            (6, "flush", &[Client]),
            (6, "add", &[Client]),
            (6, "remove", &[Client, Session]),
            (6, "on_remove", &[Client]),
            (20, "connect", &[]),
        ],
        common: 70,
        lengths: (6, 30),
    },
    // The automatic flush, which takes 255 handshakes.
    Theme {
        weight: 0,
        focus: 0,
        first: &[
            ("option", &[Server, Exactly(0), Exactly(1)]),
            CALLBACKS,
            ("timeout", &[Exactly(0), Below(4)]),
            ("burst", &[Exactly(0)]),
            ("clock", &[Exactly(4)]),
            ("connect", &[Exactly(0), Below(2), Exactly(0), Exactly(0), Exactly(1)]),
            ("connect", &[Exactly(0), Below(2), Exactly(0), Exactly(0), Exactly(1)]),
        ],
        more: &[(20, "connect", &[])],
        common: 60,
        lengths: (3, 12),
    },
];

/// One program in so many has the last theme: it costs as much as fifty others.
const BURST_EVERY: u64 = 400;

pub(crate) struct Generator {
    seed: u64,
    usual: Vec<(u32, &'static Theme)>,
    burst: Vec<(u32, &'static Theme)>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Generator {
        let (usual, burst) =
            THEMES.iter().map(|theme| (theme.weight, theme)).partition(|(weight, _)| *weight > 0);
        Generator { seed, usual, burst }
    }

    /// The program of this number: the same for the same seed.
    pub(crate) fn program(&self, number: u64) -> Result<Program, String> {
        let mixed = [mix(mix(self.seed) ^ number), mix(mix(!self.seed) ^ number)];
        let mut seed = [0; 16];
        for (to, from) in seed.chunks_exact_mut(8).zip(mixed) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        let rng = TestRng::from_seed(RngAlgorithm::XorShift, &seed);
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let burst = number % BURST_EVERY == BURST_EVERY - 1;
        let themes = if burst { &self.burst } else { &self.usual };
        let random = any::<u64>().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let theme =
            Dice(random).choose(themes).or(themes.first().map(|(_, theme)| *theme)).ok_or("no theme")?;
        programs(theme)
            .new_tree(&mut runner)
            .map(|tree| tree.current())
            .map_err(|reason| format!("no program could be made: {reason}"))
    }
}

/// Spreads a number over all bits (splitmix64): this generator of random numbers starts badly from small seeds.
fn mix(number: u64) -> u64 {
    let sum = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Numbers, of which `Theme::program` makes a program.
fn programs(theme: &'static Theme) -> impl Strategy<Value = Program> {
    let (shortest, longest) = theme.lengths;
    let dice = any::<[u64; DICE]>();
    let hooks = vec(dice, 0..8);
    let first = vec(dice, theme.first.len());
    let rest = vec(dice, shortest..longest);
    (hooks, first, rest, 0..4_u32)
        .prop_map(|(hooks, first, rest, end)| theme.program(&hooks, &first, &rest, end))
}

impl Theme {
    fn program(
        &self,
        hooks: &[[u64; DICE]],
        first: &[[u64; DICE]],
        rest: &[[u64; DICE]],
        end: u32,
    ) -> Program {
        let focus = self.focus;
        let options = self.options();
        let hooks = hooks.iter().map(|[random, numbers @ ..]| hook(focus, *random, numbers));
        let first = self
            .first
            .iter()
            .zip(first)
            .map(|((name, given), [_, numbers @ ..])| operation(name, given, focus, numbers));
        let rest = rest.iter().filter_map(|[random, numbers @ ..]| {
            let (name, given) = Dice(*random).choose(&options)?;
            Some(operation(name, given, focus, numbers))
        });
        let end = Operation { hook: None, name: "end".to_owned(), numbers: vec![end] };
        Program(hooks.chain(first).chain(rest).chain([end]).collect())
    }

    /// What it may do, with the weights.
    fn options(&self) -> Vec<(u32, (&'static str, &'static [Number]))> {
        let common = COMMON.iter().map(|&(weight, name)| (weight * self.common, (name, &[][..])));
        let more = self.more.iter().map(|&(weight, name, given)| (weight * 100, (name, given)));
        // It gives the context back for good, after which there is nothing of ours to see: rarely.
        common.chain(more).chain([(8, ("table", &[][..]))]).collect()
    }
}
