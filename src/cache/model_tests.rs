//! The core against its model, with every combination of rules.

use proptest::prelude::*;

use super::model::{IDS, Op, play};
use super::*;

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(10),
        4 => 8..13_i64,
        1 => Just(-7),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    let key = || 0..IDS.len() * 2;
    let object = || 0..4_u32;
    prop_oneof![
        10 => (key(), object(), any_time(), 0..7_usize)
            .prop_map(|(key, object, expiry, size)| Op::Add { key, object, expiry, size }),
        2 => key().prop_map(|key| Op::Get { key }),
        2 => key().prop_map(|key| Op::Remove { key }),
        2 => (key(), object()).prop_map(|(key, object)| Op::RemoveSame { key, object }),
        3 => (key(), object(), any_time())
            .prop_map(|(key, object, expiry)| Op::Reposition { key, object, expiry }),
        1 => any_time().prop_map(|now| Op::Expire { now }),
        1 => Just(Op::Drain),
    ]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let order = prop_oneof![Just(Order::Insertion), Just(Order::Expiry)];
    let capacity = prop_oneof![Just(Capacity::Size), Just(Capacity::OneLess)];
    let readd = prop_oneof![Just(Readd::Keep), Just(Readd::Resort)];
    (order, capacity, readd).prop_map(|(order, capacity, readd)| Rules { order, capacity, readd })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..Default::default() })]

    #[test]
    fn behaves_like_the_model(
        rules in any_rules(),
        stepwise in any::<bool>(),
        ops in prop::collection::vec(any_op(), 1..80),
    ) {
        play(rules, stepwise, &ops).map_err(TestCaseError::fail)?;
    }
}
