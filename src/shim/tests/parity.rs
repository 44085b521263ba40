//! The promise itself: whatever an application does, with us it sees what it sees without us. The same random
//! script is played on a context of the fake libssl alone and on one that is served, and every answer, every
//! callback, every counter and every reference count must be the same at every step.

mod library;
mod play;
#[cfg(test)]
mod script;
pub(crate) mod step;

use super::exports;
use crate::base::clock;
use crate::openssl::fake::{Link, World};
use library::{Library, OURS, STOCK};
use play::Play;
use step::Step;

/// Both are played in the same second: the time of day is in what they show.
pub(crate) fn difference(link: Link, script: &[Step]) -> Option<String> {
    let (stock, ours) = loop {
        let second = clock::now();
        let both = (play(Link::Symbolic, script, &STOCK), play(link, script, &OURS));
        if both.0 == both.1 || clock::now() == second {
            break both;
        }
    };
    let at = (0..stock.len().max(ours.len())).find(|at| stock.get(*at) != ours.get(*at))?;
    let [stock, ours] = [&stock, &ours].map(|lines| lines.get(at).map_or("nothing", String::as_str));
    Some(format!("{link:?}, line {at}:\n stock: {stock}\n ours:  {ours}"))
}

fn play(link: Link, script: &[Step], library: &'static Library) -> Vec<String> {
    let _world = World::new(link, &exports::EXPORTS).with_refusals();
    Play::of(script, library)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::script::script;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            max_shrink_iters: 20_000,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_served_context_is_like_any_other(script in script()) {
            for link in Link::BOTH {
                if let Some(difference) = difference(link, &script) {
                    return Err(TestCaseError::fail(difference));
                }
            }
        }
    }

    /// The comparison sees what it is there to see.
    #[test]
    fn a_difference_would_be_found() {
        let script = [Step::Add(0), Step::SetSize(5)];
        let one = play(Link::Symbolic, &script, &OURS);
        assert_eq!((one.len(), one.clone()), (3, play(Link::Symbolic, &script, &OURS)));
        let other = play(Link::Symbolic, &[Step::Add(1), Step::SetSize(5)], &OURS);
        assert!(one[0] != other[0] && one[1] != other[1], "{one:?}\n{other:?}");
    }
}
