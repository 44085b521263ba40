//! Known differences: a program whose header has `differs=N,…` may print lines
//!
//! ```text
//! differs N NAME: VALUE (libssl alone: STOCK; with the library: OURS)
//! ```
//!
//! N is the item of the list in `docs/openssl-behaviour.md`. Each side is held to its own of the two values, and they must
//! not be the same; all other lines are compared as those of any program. So the list is wrong if a difference goes away,
//! and a test fails.

use std::collections::BTreeSet;
use std::path::Path;

use super::program::Program;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Stock,
    Ours,
}

/// What both sides must have in common: the lines of known differences without their values, which are as they have to
/// be on this side.
pub fn in_common(program: &Program, side: Side, output: &str) -> Result<String, String> {
    if program.differs.is_empty() {
        return Ok(output.to_owned());
    }
    let mut common = String::new();
    for line in output.lines() {
        common.push_str(&match line.strip_prefix("differs ") {
            Some(rest) => declared(program, side, rest).map_err(|error| format!("{line}\n{error}"))?,
            None => line.to_owned(),
        });
        common.push('\n');
    }
    Ok(common)
}

fn declared(program: &Program, side: Side, rest: &str) -> Result<String, String> {
    let parts = || {
        let (item, rest) = rest.split_once(' ')?;
        let (name, rest) = rest.split_once(": ")?;
        let (value, rest) = rest.split_once(" (libssl alone: ")?;
        let (stock, ours) = rest.strip_suffix(')')?.split_once("; with the library: ")?;
        Some((item.parse::<u32>().ok()?, name, value, stock, ours))
    };
    let (item, name, value, stock, ours) = parts().ok_or("this is not the form of a known difference")?;
    if !program.differs.contains(&item) {
        return Err(format!("the program's first line does not have differs={item}"));
    }
    if stock == ours {
        return Err("that is no difference".to_owned());
    }
    let wanted = if side == Side::Stock { stock } else { ours };
    if value != wanted {
        let side = if side == Side::Stock { "libssl alone" } else { "the library" };
        return Err(format!(
            "item {item} of the list in docs/openssl-behaviour.md does not hold for {side}: it gives {value}, not {wanted}"
        ));
    }
    Ok(format!("differs {item} {name} (libssl alone: {stock}; with the library: {ours})"))
}

/// Every item of the list names, in its last words, the programs that pin it, or says what else does; and every program
/// that pins one is named there.
pub fn are_listed(page: &Path, programs: &[Program]) -> Result<(), String> {
    let text = std::fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let mut named = BTreeSet::new();
    for (item, text) in items(&text) {
        let (_, note) = text.trim_end().rsplit_once("*(").ok_or(format!("item {item}: what pins it?"))?;
        if !note.ends_with(")*") {
            return Err(format!("item {item}: what pins it does not come last"));
        }
        named.extend(note.split('`').filter_map(|word| Some((item, word.strip_suffix(".c")?.to_owned()))));
    }
    let pinning: BTreeSet<(u32, String)> = programs
        .iter()
        .flat_map(|program| program.differs.iter().map(|item| (*item, program.name.clone())))
        .collect();
    let named = named.into_iter().filter(|(_, name)| name.starts_with("differs_")).collect();
    if pinning == named && !pinning.is_empty() {
        return Ok(());
    }
    Err(format!(
        "pinned, but not named in {page}: {:?}\nnamed there, but not pinned: {:?}",
        pinning.difference(&named),
        named.difference(&pinning),
        page = page.display()
    ))
}

/// The numbered items of "Where the library differs".
fn items(page: &str) -> Vec<(u32, String)> {
    let list = page.split_once("\n## Where the library differs").map_or("", |(_, list)| list);
    let mut items: Vec<(u32, String)> = Vec::new();
    let mut within = false;
    for line in list.lines() {
        let number = line.split_once(". ").and_then(|(number, _)| number.parse().ok());
        within = number.is_some() || (within && !line.starts_with('#'));
        match (number, items.last_mut()) {
            (Some(number), _) => items.push((number, line.to_owned())),
            (None, Some((_, text))) if within => {
                text.push('\n');
                text.push_str(line);
            }
            _ => {}
        }
    }
    items
}
