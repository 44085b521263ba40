//! The copy flag of a get callback, as a type.
//!
//! The application's answer goes to libssl as it is, and it is libssl that takes a reference of its own or not;
//! only where we store a lent one first is that reference taken earlier, by us. Our own answers are always
//! owned. What the flag means is written here, once.

use libc::c_int;

/// Whose reference comes with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The flag is not 0: whoever answers keeps its reference, libssl takes one of its own.
    Lent,
    /// The flag is 0: the reference is given away, libssl will free it.
    Owned,
}

impl Reference {
    /// What a flag says.
    pub(super) fn of(flag: c_int) -> Reference {
        if flag == 0 { Reference::Owned } else { Reference::Lent }
    }

    /// The flag that says it.
    pub(super) fn flag(self) -> c_int {
        match self {
            Reference::Lent => 1,
            Reference::Owned => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zero_gives_the_reference_away() {
        assert_eq!(Reference::of(0), Reference::Owned);
        // libssl presets 1; any other value than 0 means the same to it.
        for flag in [1, 2, -1, c_int::MAX, c_int::MIN] {
            assert_eq!(Reference::of(flag), Reference::Lent, "{flag}");
        }
    }

    #[test]
    fn a_flag_means_what_it_was_made_from() {
        for reference in [Reference::Lent, Reference::Owned] {
            assert_eq!(Reference::of(reference.flag()), reference);
        }
    }
}
