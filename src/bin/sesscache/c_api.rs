//! The C interface, as its header tells of it: a page of `docs/`, and a man page for each function of the library's own.

use std::fmt::Write as _;

use roff::{Roff, bold, roman};

const HEADER: &str = include_str!("../../../include/sesscache.h");

/// Something that the header declares, with what is said of it.
struct Item {
    name: String,
    said: String,
    declared: String,
}

impl Item {
    fn is_function(&self) -> bool {
        !self.declared.starts_with("typedef") && !self.declared.starts_with('#')
    }

    fn is_our_own(&self) -> bool {
        self.name.starts_with("sesscache") || self.name.starts_with("SESSCACHE")
    }

    /// The prototype, as its comment has it: with the names of all arguments.
    fn prototype(&self) -> String {
        let told = self.said.lines().find_map(|line| line.strip_prefix('`')?.strip_suffix('`'));
        told.filter(|told| told.contains(&format!("{}(", self.name)))
            .map_or_else(|| one_line(&self.declared), |told| format!("{told};"))
    }

    /// What is said, without the prototype.
    fn text(&self) -> String {
        let prototype = |line: &&str| {
            !(line.starts_with('`') && line.ends_with('`') && line.contains(&format!("{}(", self.name)))
        };
        let lines: Vec<_> = self.said.lines().filter(prototype).collect();
        lines.join("\n").replace("\n\n\n", "\n\n").trim().to_owned()
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(")
}

/// The items of the header, in its order: each a comment of the documentation's kind and what follows it.
fn items() -> Vec<Item> {
    let mut items = Vec::new();
    let mut lines = HEADER.lines();
    while let Some(line) = lines.next() {
        if line != "/**" {
            continue;
        }
        let mut said = String::new();
        for line in lines.by_ref().take_while(|line| *line != " */") {
            let _ = writeln!(said, "{}", line.trim_start_matches(" *").trim_start());
        }
        let mut declared = String::new();
        let is_block = |text: &str| text.starts_with("typedef struct");
        for line in lines.by_ref() {
            let _ = writeln!(declared, "{line}");
            let ends = if is_block(&declared) {
                line.starts_with('}')
            } else {
                line.ends_with(';') || declared.starts_with('#')
            };
            if ends {
                break;
            }
        }
        items.push(Item { name: name_of(&declared), said, declared });
    }
    items
}

fn name_of(declared: &str) -> String {
    if let Some(rest) = declared.strip_prefix("#define ") {
        return rest.split_whitespace().next().unwrap_or_default().to_owned();
    }
    if declared.starts_with("typedef struct") {
        return declared.split_whitespace().nth(2).unwrap_or_default().to_owned();
    }
    let before =
        declared.split('(').map(|part| part.trim_end().rsplit([' ', '*']).next().unwrap_or_default());
    // A function that returns one has its name behind the first parenthesis.
    before
        .filter(|word| {
            word.starts_with("SSL_") || word.starts_with("sesscache_") || word.starts_with("CRYPTO_")
        })
        .map(str::to_owned)
        .next()
        .unwrap_or_default()
}

/// The fields of a structure: their names and what is said of them.
fn fields(item: &Item) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut said = String::new();
    for line in item.declared.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("* ") {
            said = format!("{said} {text}").trim().to_owned();
        } else if let Some(field) = line.strip_prefix("uint64_t ").and_then(|field| field.strip_suffix(';')) {
            fields.push((field.to_owned(), std::mem::take(&mut said)));
        }
    }
    fields
}

/// `docs/c-api.md`.
pub(crate) fn page() -> String {
    let mut page = "# The C interface\n\nMade from the comments of `include/sesscache.h` by `make header`; not to be edited by hand.\n\n\
                    `#include <sesscache.h>` declares all of this. Programs that include OpenSSL's header alone call the same functions. Link `-lsesscache` before `-lssl`.\n\
                    Unless something else is said, any thread may call a function whenever it may call libssl's.\n"
        .to_owned();
    let items = items();
    let (own, taken): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.is_our_own());
    page.push_str("\n## This library's own\n");
    for item in own.iter().filter(|item| item.is_function()) {
        let _ = write!(page, "\n### {}\n\n```c\n{}\n```\n\n{}\n", item.name, item.prototype(), item.text());
    }
    page.push_str("\n### Constants\n\n| name | value | |\n|---|---|---|\n");
    for item in own.iter().filter(|item| item.declared.starts_with('#')) {
        let value = item.declared.split_whitespace().nth(2).unwrap_or_default();
        let _ = writeln!(page, "| `{}` | {value} | {} |", item.name, one_line(&item.said));
    }
    for item in own.iter().filter(|item| item.declared.starts_with("typedef")) {
        let _ = write!(page, "\n### {}\n\n{}\n\n| field | |\n|---|---|\n", item.name, item.text());
        for (field, said) in fields(item) {
            let _ = writeln!(page, "| `{field}` | {said} |");
        }
    }
    page.push_str("\n## OpenSSL's, answered by this library\n");
    for item in taken {
        let _ = write!(page, "\n### {}\n\n```c\n{}\n```\n\n{}\n", item.name, item.prototype(), item.text());
    }
    page
}

/// A man page for each function of the library's own: its file's name and its text.
pub(crate) fn man_pages() -> Vec<(String, String)> {
    let items = items();
    let own = items.iter().filter(|item| item.is_our_own() && item.is_function());
    own.map(|item| (format!("{}.3", item.name), man_page(item, &items))).collect()
}

fn man_page(item: &Item, all: &[Item]) -> String {
    let mut roff = Roff::new();
    let version = concat!("sesscache ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [item.name.as_str(), "3", "", version, "sesscache"]);
    let text = item.text();
    let (first, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    roff.control("SH", ["NAME"]).text([roman(format!(
        "{} - {}",
        item.name,
        one_line(first).trim_end_matches('.')
    ))]);
    roff.control("SH", ["SYNOPSIS"])
        .text([bold("#include <sesscache.h>")])
        .control("PP", [])
        .text([bold(item.prototype())]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in rest.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        roff.text([roman(one_line(paragraph).replace('`', ""))]).control("PP", []);
    }
    // What it fills in, or returns.
    let mentions = |other: &&Item| {
        item.declared.contains(&format!("{} ", other.name)) && other.declared.starts_with("typedef")
    };
    for structure in all.iter().filter(mentions) {
        for (field, said) in fields(structure) {
            roff.control("TP", []).text([bold(field)]).text([roman(said)]);
        }
    }
    if item.name == "sesscache_active" {
        for constant in all
            .iter()
            .filter(|other| other.declared.starts_with('#') && other.name != "SESSCACHE_NEW_CB_ZERO_REMOVES")
        {
            roff.control("TP", [])
                .text([bold(constant.name.clone())])
                .text([roman(one_line(&constant.said).replace('`', ""))]);
        }
    }
    let others =
        all.iter().filter(|other| other.is_our_own() && other.is_function() && other.name != item.name);
    let others: Vec<_> =
        others.map(|other| format!("{}(3)", other.name)).chain(["sesscache(8)".to_owned()]).collect();
    roff.control("SH", ["SEE ALSO"]).text([roman(others.join(", "))]);
    roff.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_has_a_name_and_a_text() {
        let items = items();
        assert!(items.len() > 40, "{}", items.len());
        for item in &items {
            assert!(!item.name.is_empty() && !item.text().is_empty(), "{}", item.declared);
            assert!(item.declared.contains(&item.name));
        }
        let functions = items.iter().filter(|item| item.is_function());
        assert!(functions.clone().all(|item| item.prototype().contains(&format!("{}(", item.name))));
    }

    #[test]
    fn structures_have_their_fields() {
        let items = items();
        let stats = items.iter().find(|item| item.name == "sesscache_shared_stats_t").unwrap();
        let fields = fields(stats);
        assert!(fields.len() >= 17 && fields.iter().all(|(_, said)| !said.is_empty()), "{fields:?}");
    }
}
