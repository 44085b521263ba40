//! The shim in front of the fake libssl, with the bytes as an application.
//!
//! The application is played without us and with us, and must see the same; besides, the fake notices whatever a real
//! libssl would not survive. `SESSCACHE_FAKE_VERSION` names the release that is played.

use super::bytes::Bytes;
use crate::openssl::fake::{Link, by_release};
use crate::openssl::number::*;
use crate::shim::answer::Reference;
use crate::shim::tests::parity::difference;
use crate::shim::tests::parity::step::{How, POOL, Step};

/// No script is worth more.
const STEPS: usize = 200;

const HOW: [How; 5] = [How::Tls12, How::Tls13, How::EarlyData, How::NoTicket, How::Client];

/// Whatever an application does, with us it sees what it sees without us.
pub fn shim(data: &[u8]) {
    let (link, script) = read(data);
    if let Some(difference) = difference(link, &script) {
        panic!("{difference}\n{script:?}");
    }
}

pub(super) fn read(data: &[u8]) -> (Link, Vec<Step>) {
    let mut bytes = Bytes::new(data);
    let link = if bytes.flag() { Link::Plt } else { Link::Symbolic };
    let mut script = vec![Step::SetCallbacks { new: true, remove: true, get: true }];
    while !bytes.is_empty() && script.len() < STEPS {
        script.push(step(&mut bytes));
    }
    (link, script)
}

fn step(bytes: &mut Bytes<'_>) -> Step {
    match bytes.byte() {
        choice @ 0..160 => use_of_the_cache(choice % 11, bytes),
        choice => change_of_settings(choice % 7, bytes),
    }
}

fn place(bytes: &mut Bytes<'_>) -> usize {
    bytes.below(POOL)
}

fn how(bytes: &mut Bytes<'_>) -> How {
    bytes.one_of(&HOW).unwrap_or(How::Tls12)
}

fn use_of_the_cache(choice: u8, bytes: &mut Bytes<'_>) -> Step {
    match choice {
        0 | 1 => Step::Handshake { session: place(bytes), how: how(bytes), broken_off: bytes.seldom() },
        2 => Step::Resume { session: place(bytes), how: how(bytes) },
        3 => Step::Add(place(bytes)),
        4 => Step::Remove(place(bytes)),
        5 => Step::Flush(bytes.number()),
        6 => Step::FlushExpired,
        7 => Step::AutoFlush,
        8 => Step::SetTimeout(place(bytes), timeout(bytes)),
        9 => Step::Expire(place(bytes)),
        _ => Step::HasMatching(place(bytes)),
    }
}

fn change_of_settings(choice: u8, bytes: &mut Bytes<'_>) -> Step {
    match choice {
        0 => Step::SetSize(bytes.number()),
        1 => Step::ToggleMode(mode_bit(bytes)),
        2 => {
            let bits = !bytes.byte();
            Step::SetCallbacks { new: bits & 1 != 0, remove: bits & 2 != 0, get: bits & 4 != 0 }
        }
        3 => Step::NewReturns(bytes.number() as i32),
        4 => {
            let reference = if bytes.flag() { Reference::Owned } else { Reference::Lent };
            Step::GetAnswers((!bytes.seldom()).then(|| (place(bytes), reference)))
        }
        5 => Step::InRemove((!bytes.seldom()).then(|| Box::new(step_inside(bytes)))),
        _ => Step::Sessions,
    }
}

/// Far from where the sum with the time of creation turns over: there each release has its own answer.
fn timeout(bytes: &mut Bytes<'_>) -> i64 {
    5000 + 100 * i64::from(bytes.byte() % 4)
}

/// The same as the random scripts take, and for the same reasons (`parity::script`).
fn mode_bit(bytes: &mut Bytes<'_>) -> u32 {
    let update_time = by_release(MODE_UPDATE_TIME, MODE_UPDATE_TIME, 0, 0);
    bytes.one_of(&[1, 2, 0x80, MODE_NO_INTERNAL_LOOKUP, MODE_NO_INTERNAL_STORE, update_time]).unwrap_or(1)
}

fn step_inside(bytes: &mut Bytes<'_>) -> Step {
    match bytes.below(7) {
        0 => Step::Add(place(bytes)),
        1 => Step::Remove(place(bytes)),
        2 => Step::Flush(0),
        3 => Step::FlushExpired,
        4 => Step::HasMatching(place(bytes)),
        5 => Step::SetSize(by_release(1, 0, 0, 0) + bytes.number() % 4),
        _ => {
            let (resume, look) =
                (Step::Resume { session: place(bytes), how: how(bytes) }, Step::HasMatching(0));
            by_release(resume.clone(), look.clone(), look, resume)
        }
    }
}
