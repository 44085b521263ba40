//! What an application and its clients may do, at random.

use proptest::prelude::*;

use super::step::{How, POOL, Step};
use crate::openssl::fake::by_release;
use crate::openssl::number::*;
use crate::shim::answer::Reference;

pub(super) fn script() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..40).prop_map(|mut steps| {
        steps.insert(0, Step::SetCallbacks { new: true, remove: true, get: true });
        steps
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![20 => use_of_the_cache(), 10 => change_of_settings()]
}

fn use_of_the_cache() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..POOL, how(), prop::bool::weighted(0.2))
            .prop_map(|(session, how, broken_off)| Step::Handshake { session, how, broken_off }),
        6 => (0..POOL, how()).prop_map(|(session, how)| Step::Resume { session, how }),
        8 => (0..POOL).prop_map(Step::Add),
        3 => (0..POOL).prop_map(Step::Remove),
        1 => Just(Step::Flush(0)),
        1 => Just(Step::Flush(-5)),
        2 => Just(Step::FlushExpired),
        2 => Just(Step::AutoFlush),
        3 => (0..POOL, 0..4_i64).prop_map(|(session, more)| Step::SetTimeout(session, 5000 + 100 * more)),
        2 => (0..POOL).prop_map(Step::Expire),
        1 => (0..POOL).prop_map(Step::HasMatching),
    ]
}

fn change_of_settings() -> impl Strategy<Value = Step> {
    let answer = (0..POOL, prop_oneof![Just(Reference::Lent), Just(Reference::Owned)]);
    let often = || prop::bool::weighted(0.8);
    prop_oneof![
        12 => (-1..6_i64).prop_map(Step::SetSize),
        8 => bits().prop_map(Step::ToggleMode),
        4 => (often(), often(), often())
            .prop_map(|(new, remove, get)| Step::SetCallbacks { new, remove, get }),
        4 => (0..2_i32).prop_map(Step::NewReturns),
        8 => prop::option::weighted(0.8, answer).prop_map(Step::GetAnswers),
        8 => prop::option::weighted(0.7, step_inside()).prop_map(|step| Step::InRemove(step.map(Box::new))),
        1 => Just(Step::Sessions),
    ]
}

/// From 3.5 on a session that is added again gets a new time and keeps its place, so that libssl's list is out of
/// order. What comes next then depends on whom it is compared with; we go by the place.
fn bits() -> impl Strategy<Value = u32> {
    let update_time = by_release(MODE_UPDATE_TIME, MODE_UPDATE_TIME, 0, 0);
    let others = prop_oneof![Just(1), Just(2), Just(0x80)];
    prop_oneof![4 => others, 1 => Just(MODE_NO_INTERNAL_LOOKUP), 1 => Just(MODE_NO_INTERNAL_STORE), 1 => Just(update_time)]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        4 => Just(How::Tls12),
        1 => Just(How::Tls13),
        2 => Just(How::EarlyData),
        1 => Just(How::NoTicket),
        1 => Just(How::Client),
    ]
}

/// What a remove callback may do. (A size of 0, set while 1.1.1 evicts, costs it the very session it adds; not us.)
fn step_inside() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..POOL).prop_map(Step::Add),
        (0..POOL).prop_map(Step::Remove),
        Just(Step::Flush(0)),
        Just(Step::FlushExpired),
        (0..POOL).prop_map(Step::HasMatching),
        (0..POOL, how()).prop_map(|(session, how)| resume_inside(session, how)),
        (by_release(1, 0, 0, 0)..4_i64).prop_map(Step::SetSize),
    ]
}

/// Where libssl holds the lock meanwhile, its own removal of what has expired or is used up is refused; where only we
/// act as if, it is not.
fn resume_inside(session: usize, how: How) -> Step {
    let (resume, look) = (Step::Resume { session, how }, Step::HasMatching(session));
    by_release(resume.clone(), look.clone(), look, resume)
}
