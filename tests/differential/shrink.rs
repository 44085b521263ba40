//! Making a program smaller while it still does what it was found for.
//!
//! Every part of a program is a program, and every number stands for something, so anything may be left out.

use crate::program::Program;

/// Each try plays the program twice: some seconds in all.
const TRIES: usize = 1500;

/// The smallest program found for which `still` holds, as it does for `program`.
pub(crate) fn shrink(program: Program, mut still: impl FnMut(&Program) -> bool) -> Program {
    let mut left = TRIES;
    let mut holds = |candidate: &Program| {
        left = left.saturating_sub(1);
        left > 0 && still(candidate)
    };
    let mut smallest = program;
    loop {
        let before = smallest.clone();
        without_operations(&mut smallest, &mut holds);
        with_smaller_numbers(&mut smallest, &mut holds);
        if smallest == before {
            return smallest;
        }
    }
}

fn without_operations(smallest: &mut Program, holds: &mut impl FnMut(&Program) -> bool) {
    let mut size = smallest.0.len().div_ceil(2);
    while size > 0 {
        // From the end: what comes last depends on what comes before it.
        let mut from = smallest.0.len();
        while from > 0 {
            from = from.saturating_sub(size);
            let mut candidate = smallest.clone();
            candidate.0.drain(from..(from + size).min(smallest.0.len()));
            if holds(&candidate) {
                *smallest = candidate;
            }
            from = from.min(smallest.0.len());
        }
        size /= 2;
    }
}

fn with_smaller_numbers(smallest: &mut Program, holds: &mut impl FnMut(&Program) -> bool) {
    for at in 0..smallest.0.len() {
        let count = smallest.0.get(at).map_or(0, |operation| operation.numbers.len());
        for number in 0..count {
            with_smaller_number(smallest, at, number, holds);
        }
    }
}

fn with_smaller_number(
    smallest: &mut Program,
    at: usize,
    number: usize,
    holds: &mut impl FnMut(&Program) -> bool,
) {
    let value = |program: &Program| {
        program.0.get(at).and_then(|operation| operation.numbers.get(number)).copied().unwrap_or(0)
    };
    loop {
        let old = value(smallest);
        let smaller = [0, old / 2, old % 8, old.saturating_sub(1)].into_iter().filter(|&new| new < old);
        let found = smaller.into_iter().find_map(|new| {
            let mut candidate = smallest.clone();
            *candidate.0.get_mut(at)?.numbers.get_mut(number)? = new;
            holds(&candidate).then_some(candidate)
        });
        match found {
            Some(candidate) => *smallest = candidate,
            None => return,
        }
    }
}
