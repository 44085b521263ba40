//! The core against its model, with the bytes as a program.

use super::bytes::Bytes;
use crate::cache::model::{self, Op};
use crate::cache::{Capacity, Order, Readd, Rules};

/// More than the named ids of the model, so that shards fill and tables grow.
const KEYS: usize = 200;

/// No program is worth more: each step looks at everything.
const STEPS: usize = 400;

/// Whatever is done, the core answers as the model does.
pub fn core(data: &[u8]) {
    let (rules, stepwise, ops) = read(data);
    if let Err(difference) = model::play(rules, stepwise, &ops) {
        panic!("{difference}\n{rules:?} stepwise={stepwise} {ops:?}");
    }
}

pub(super) fn read(data: &[u8]) -> (Rules, bool, Vec<Op>) {
    let mut bytes = Bytes::new(data);
    let choices = bytes.byte();
    let rules = Rules {
        order: if choices & 1 == 0 { Order::Expiry } else { Order::Insertion },
        capacity: if choices & 2 == 0 { Capacity::OneLess } else { Capacity::Size },
        readd: if choices & 4 == 0 { Readd::Keep } else { Readd::Resort },
    };
    let mut ops = Vec::new();
    while !bytes.is_empty() && ops.len() < STEPS {
        ops.push(op(&mut bytes));
    }
    (rules, choices & 8 != 0, ops)
}

fn op(bytes: &mut Bytes<'_>) -> Op {
    let kind = bytes.below(16);
    let key = bytes.below(KEYS);
    let object = u32::from(kind as u8) % 4;
    match kind {
        0..8 => Op::Add { key, object, expiry: bytes.number(), size: bytes.below(40) },
        8 => Op::Get { key },
        9 => Op::Remove { key },
        10 | 11 => Op::RemoveSame { key, object: bytes.byte().into() },
        12 | 13 => Op::Reposition { key, object: u32::from(bytes.byte()) % 4, expiry: bytes.number() },
        14 => Op::Expire { now: bytes.number() },
        _ => Op::Drain,
    }
}
