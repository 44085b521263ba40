//! The operations of the player, and which numbers make sense for each.

use crate::program::Operation;

/// What a number stands for.
#[derive(Clone, Copy)]
pub(crate) enum Number {
    Below(u32),
    /// A server's context: mostly the one that the theme is about.
    Server,
    /// Any context, a client's now and then.
    Context,
    /// A client's context.
    Client,
    /// A session that is held: mostly one of the newest.
    Session,
    /// 1 is the client's side.
    Side,
    /// Which session a connection offers: 0 none, else mostly one that the server knows.
    Offer,
    /// What a connection is made with, mostly nothing special.
    Flags,
    /// How a connection ends, and what `Flags` needs a number for.
    Ending,
    /// Mode bits; the server's bit is mostly set.
    Mode,
    /// What runs within a callback, mostly nothing.
    Hook,
    Exactly(u32),
    /// One of ten bits.
    OneBit,
    /// This one, or some times eight more.
    Stepped(u32),
}

use Number::{
    Below, Client, Context, Ending, Exactly, Flags, Hook, Mode, Offer, OneBit, Server, Session, Side, Stepped,
};

/// A random number that is used up by what is drawn from it.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        let limit = u64::from(limit.max(1));
        let drawn = self.0 % limit;
        self.0 /= limit;
        u32::try_from(drawn).unwrap_or_default()
    }

    /// Draws one of the options by its weight.
    pub(crate) fn choose<T: Copy>(&mut self, options: &[(u32, T)]) -> Option<T> {
        let mut drawn = self.below(options.iter().map(|(weight, _)| weight).sum());
        options.iter().find_map(|&(weight, option)| {
            let hit = drawn < weight;
            drawn = drawn.saturating_sub(weight);
            hit.then_some(option)
        })
    }

    /// A number that stands for `what`, in a program that is mostly about the context `focus`.
    fn number(&mut self, what: Number, focus: u32) -> u32 {
        let options: &[(u32, Number)] = match what {
            Below(limit) => return self.below(limit),
            Exactly(value) => return value,
            OneBit => return 1 << self.below(10),
            Stepped(first) => return first + 8 * self.below(6),
            Ending => {
                let end = self.of(&[(3, Exactly(0)), (6, Exactly(1)), (2, Exactly(2)), (4, Below(8))], focus);
                return end + 8 * self.below(8);
            }
            Mode => return self.mode(focus),
            Server => &[(8, Exactly(focus)), (2, Below(2)), (1, Below(3))],
            Context => &[(16, Exactly(focus)), (3, Below(3)), (2, Client)],
            Client => &[(6, Exactly(3)), (1, Exactly(4))],
            Session => &[(4, Exactly(0)), (4, Below(4)), (3, Below(24))],
            Side => &[(8, Exactly(0)), (2, Exactly(1))],
            Offer => &[(3, Exactly(0)), (4, Exactly(2)), (6, Stepped(2)), (1, Stepped(1))],
            Flags => &[(10, Exactly(0)), (6, OneBit), (1, Below(1024))],
            Hook => &[(3, Exactly(0)), (3, Below(8))],
        };
        self.of(options, focus)
    }

    fn of(&mut self, options: &[(u32, Number)], focus: u32) -> u32 {
        self.choose(options).map_or(0, |what| self.number(what, focus))
    }

    /// The two roles, of which the server's is mostly set, and four other bits.
    fn mode(&mut self, focus: u32) -> u32 {
        match self.below(19) {
            0..6 => 2,
            6..9 => 3,
            9..15 => 2 + 4 * self.below(16),
            15..18 => self.below(64),
            _ => self.number(Below(1024), focus),
        }
    }
}

/// An operation with its numbers.
pub(crate) struct Kind {
    name: &'static str,
    numbers: &'static [Number],
    /// Whether callbacks may run it.
    pub(crate) nested: bool,
}

const fn kind(name: &'static str, numbers: &'static [Number], nested: bool) -> Kind {
    Kind { name, numbers, nested }
}

pub(crate) const KINDS: &[Kind] = &[
    kind("add", &[Context, Session], true),
    kind("remove", &[Context, Session, Below(8)], true),
    kind("flush", &[Context, Below(10), Session, Below(2)], true),
    kind("ids", &[Context], true),
    kind("has", &[Below(4), Below(4)], true),
    kind("counters", &[Context], true),
    kind("table", &[Context], false),
    kind("release", &[Context], false),
    kind("made", &[Below(4), Below(80), Below(8), Below(10), Side], true),
    kind("copy", &[Session, Below(2), Side], true),
    kind("time", &[Session, Below(32), Side, Below(2)], true),
    kind("limit", &[Session, Below(32), Side], true),
    kind("rekey", &[Session, Below(80), Side], false),
    kind("rename", &[Session, Below(2), Below(3), Side], false),
    kind("remaster", &[Session, Side], false),
    kind("context_of", &[Session, Below(4)], false),
    kind("hold", &[Below(4), Below(4)], false),
    kind("drop", &[Session], true),
    kind("mode", &[Context, Mode], true),
    kind("size", &[Context, Below(11)], true),
    kind("timeout", &[Context, Below(9)], true),
    kind("named", &[Context, Below(4)], false),
    kind("option", &[Context, Below(8), Below(4)], false),
    kind("on_new", &[Context, Below(4), Below(5), Hook], true),
    kind("on_remove", &[Context, Below(4), Hook], true),
    kind("on_get", &[Context, Below(4), Below(40), Below(5), Hook], true),
    kind("generate", &[Server, Below(400)], false),
    kind("mark", &[Server, Below(2)], false),
    kind("switch", &[Server, Below(3), Below(3)], false),
    kind("clock", &[Below(10)], false),
    kind("connect", &[Server, Below(2), Offer, Flags, Ending], false),
    kind("close", &[Below(4), Below(8), Below(2)], false),
    kind("exchange", &[Below(4)], false),
    kind("again", &[Below(4), Below(64), Flags], false),
    kind("renegotiate", &[Below(4), Below(2)], false),
    kind("ticket", &[Below(4)], false),
    kind("burst", &[Server, Below(2)], false),
];

/// So many random numbers make an operation: one for its name, one for each of its numbers.
pub(crate) const DICE: usize = 6;

/// The operation of this name, its first numbers given.
pub(crate) fn operation(name: &'static str, given: &[Number], focus: u32, dice: &[u64]) -> Operation {
    let usual = KINDS.iter().find(|kind| kind.name == name).map_or(&[][..], |kind| kind.numbers);
    let wanted = given.iter().chain(usual.iter().skip(given.len()));
    let numbers = wanted.zip(dice).map(|(&what, &random)| Dice(random).number(what, focus)).collect();
    Operation { hook: None, name: name.to_owned(), numbers }
}

/// What a callback runs: `hook N name …`.
pub(crate) fn hook(focus: u32, random: u64, dice: &[u64]) -> Operation {
    let nested: Vec<(u32, &'static str)> =
        KINDS.iter().filter(|kind| kind.nested).map(|kind| (1, kind.name)).collect();
    let mut first = Dice(random);
    let number = 1 + first.below(7);
    let name = first.choose(&nested).unwrap_or("counters");
    Operation { hook: Some(number), ..operation(name, &[], focus, dice) }
}
