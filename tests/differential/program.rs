//! A program: a list of operations, as text one a line.

use std::fmt::{self, Display, Formatter};

/// `name a b c d e`, behind `hook N` if it is what a callback runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) hook: Option<u32>,
    pub(crate) name: String,
    pub(crate) numbers: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Program(pub(crate) Vec<Operation>);

impl Display for Operation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(hook) = self.hook {
            write!(formatter, "hook {hook} ")?;
        }
        write!(formatter, "{}", self.name)?;
        self.numbers.iter().try_for_each(|number| write!(formatter, " {number}"))
    }
}

impl Display for Program {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|operation| writeln!(formatter, "{operation}"))
    }
}

impl Operation {
    fn parse(line: &str) -> Option<Operation> {
        let mut words = line.split_whitespace();
        let mut name = words.next().filter(|word| !word.starts_with('#'))?;
        let mut hook = None;
        if name == "hook" {
            hook = words.next()?.parse().ok();
            name = words.next()?;
        }
        let numbers = words.filter_map(|word| word.parse().ok()).collect();
        Some(Operation { hook, name: name.to_owned(), numbers })
    }
}

impl Program {
    /// Empty lines and those that begin with `#` are left out.
    pub(crate) fn parse(text: &str) -> Program {
        Program(text.lines().filter_map(Operation::parse).collect())
    }
}
