//! The core as one would write it down first: a list that is searched from end to end. The property tests and the
//! fuzzer play the same operations on both.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "only in tests")]

use std::fmt::Debug;

use super::*;

/// Plays `ops` on a cache and on the model, on ours in one call each or stepwise; says where they differ first.
pub(crate) fn play(rules: Rules, stepwise: bool, ops: &[Op]) -> Result<(), String> {
    let (cache, mut model) = (SessionCache::new(rules), Model { rules, list: Vec::new() });
    ops.iter().try_for_each(|op| step(&cache, &mut model, op, stepwise))
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Add { key: usize, object: Object, expiry: i64, size: usize },
    Get { key: usize },
    Remove { key: usize },
    RemoveSame { key: usize, object: Object },
    Reposition { key: usize, object: Object, expiry: i64 },
    Expire { now: i64 },
    Drain,
}

pub(crate) const IDS: [&[u8]; 7] = [b"", b"a", b"b", b"c", b"d", b"e", &[0xff; 32]];

/// Two versions of every id; above these, as many more as one likes.
fn key(number: usize) -> SessionKey {
    let more = number.to_le_bytes();
    SessionKey::new(0x0303 + (number % 2) as i32, IDS.get(number / 2).copied().unwrap_or(&more)).unwrap()
}

/// Equal numbers stand for the very same object.
type Object = u32;

/// libssl's cache as one would write it down first: one list, who goes first stands first.
struct Model {
    rules: Rules,
    list: Vec<Item>,
}

#[derive(Clone)]
struct Item {
    key: SessionKey,
    object: Object,
    expiry: i64,
    /// What it was sorted by.
    rank: i64,
}

impl Model {
    fn rank(&self, expiry: i64) -> i64 {
        if self.rules.order == Order::Expiry { expiry } else { 0 }
    }

    fn position(&self, key: &SessionKey) -> Option<usize> {
        self.list.iter().position(|item| item.key == *key)
    }

    fn position_same(&self, key: &SessionKey, object: Object) -> Option<usize> {
        self.position(key).filter(|&at| self.list[at].object == object)
    }

    fn insert(&mut self, item: Item) {
        let behind = self.list.iter().position(|other| other.rank > item.rank);
        self.list.insert(behind.unwrap_or(self.list.len()), item);
    }

    fn add(&mut self, key: SessionKey, object: Object, expiry: i64, size: usize) -> Added<Object> {
        let item = Item { key, object, expiry, rank: self.rank(expiry) };
        let mut replaced = None;
        if let Some(at) = self.position(&key) {
            if self.list[at].object == object {
                self.add_again(at, item);
                return Added { stored: false, replaced: None, evicted: Vec::new() };
            }
            replaced = Some(self.list.remove(at).object);
        }
        let evicted = self.evict(size);
        self.insert(item);
        Added { stored: true, replaced, evicted }
    }

    fn add_again(&mut self, at: usize, item: Item) {
        match self.rules.readd {
            Readd::Keep => self.list[at].expiry = item.expiry,
            Readd::Resort => {
                self.list.remove(at);
                self.insert(item);
            }
        }
    }

    /// The newcomer is counted, but not yet in the list.
    fn evict(&mut self, size: usize) -> Vec<Object> {
        let mut evicted = Vec::new();
        while size > 0 && !self.list.is_empty() && !self.list[0].key.id().is_empty() {
            let number = self.list.len() + 1;
            let too_many = match self.rules.capacity {
                Capacity::Size => number > size,
                Capacity::OneLess => number >= size,
            };
            if !too_many {
                break;
            }
            evicted.push(self.list.remove(0).object);
        }
        evicted
    }

    fn reposition(&mut self, key: &SessionKey, object: Object, expiry: i64) -> bool {
        let Some(at) = self.position_same(key, object) else { return false };
        if self.rules.order == Order::Insertion {
            self.list[at].expiry = expiry;
        } else {
            let item = self.list.remove(at);
            self.insert(Item { expiry, rank: expiry, ..item });
        }
        true
    }

    fn expire(&mut self, now: i64) -> Vec<Object> {
        let expired = |item: &Item| now > item.expiry;
        let gone: Vec<Item> = match self.rules.order {
            Order::Insertion => self.list.extract_if(.., |item| expired(item)).collect(),
            Order::Expiry => {
                let live = self.list.iter().position(|item| !expired(item));
                self.list.drain(..live.unwrap_or(self.list.len())).collect()
            }
        };
        gone.iter().map(|item| item.object).collect()
    }

    fn objects(&self) -> Vec<Object> {
        self.list.iter().map(|item| item.object).collect()
    }
}

/// The same in its two halves, one victim at a time.
fn add_stepwise(
    cache: &SessionCache<Object>,
    key: SessionKey,
    (object, expiry): (Object, i64),
    size: usize,
) -> Added<Object> {
    let (stored, replaced) = match cache.insert(key, object, expiry) {
        Inserted::New => (true, None),
        Inserted::Replacing(old) => (true, Some(old)),
        Inserted::Not => return Added { stored: false, replaced: None, evicted: Vec::new() },
    };
    let evicted = std::iter::from_fn(|| cache.evict(&key, size)).collect();
    Added { stored, replaced, evicted }
}

/// What a caller does who must act between one session and the next.
fn expire_stepwise(cache: &SessionCache<Object>, now: i64) -> Vec<Object> {
    let horizon = cache.horizon();
    match cache.rules.order {
        Order::Expiry => std::iter::from_fn(|| cache.pop_expired(now, horizon)).collect(),
        Order::Insertion => {
            let expired = cache.expired(now).into_iter();
            expired.filter_map(|(key, object)| cache.remove_same(&key, &object)).collect()
        }
    }
}

/// One operation on both, on ours in one call or stepwise; the answers must agree.
fn step(cache: &SessionCache<Object>, model: &mut Model, op: &Op, stepwise: bool) -> Result<(), String> {
    match *op {
        Op::Add { key: k, object, expiry, size } => {
            let theirs = model.add(key(k), object, expiry, size);
            let ours = match stepwise {
                true => add_stepwise(cache, key(k), (object, expiry), size),
                false => cache.add(key(k), object, expiry, size),
            };
            agree(op, &ours.stored, &theirs.stored)?;
            agree(op, &ours.replaced, &theirs.replaced)?;
            agree(op, &ours.evicted, &theirs.evicted)?;
        }
        Op::Get { key: k } => {
            let expected = model.position(&key(k)).map(|at| model.list[at].object);
            agree(op, &cache.get(&key(k)), &expected)?;
            agree(op, &cache.contains(&key(k)), &expected.is_some())?;
        }
        Op::Remove { key: k } => {
            let expected = model.position(&key(k)).map(|at| model.list.remove(at).object);
            agree(op, &cache.remove(&key(k)), &expected)?;
        }
        Op::RemoveSame { key: k, object } => {
            let expected = model.position_same(&key(k), object).map(|at| model.list.remove(at).object);
            agree(op, &cache.remove_same(&key(k), &object), &expected)?;
        }
        Op::Reposition { key: k, object, expiry } => {
            let expected = model.reposition(&key(k), object, expiry);
            agree(op, &cache.reposition(&key(k), &object, expiry), &expected)?;
        }
        Op::Expire { now } => {
            let ours = if stepwise { expire_stepwise(cache, now) } else { cache.expire(now) };
            agree(op, &ours, &model.expire(now))?;
        }
        Op::Drain => {
            let pop_all = || std::iter::from_fn(|| cache.pop(cache.horizon())).collect();
            agree(op, &if stepwise { pop_all() } else { cache.drain() }, &model.objects())?;
            model.list.clear();
        }
    }
    agree(op, &cache.len(), &model.list.len())?;
    agree(op, &cache.snapshot(), &model.objects())?;
    Ok(())
}

fn agree<T: PartialEq + Debug>(op: &Op, ours: &T, model: &T) -> Result<(), String> {
    if ours == model {
        return Ok(());
    }
    Err(format!("{op:?}: the core says {ours:?}, the model {model:?}"))
}
