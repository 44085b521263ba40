//! The house as `src/lib.rs` draws it: imports go downward only, and `unsafe` lives on two floors.
//!
//! The source is read as Rust tokens, so that comments and texts do not count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// Each room of `src/`, and the rooms it may look into.
const ROOMS: [(&str, &[&str]); 10] = [
    ("base", &[]),
    ("cache", &["base"]),
    ("openssl", &["base", "cache"]),
    ("shared", &["base", "cache"]),
    ("shim", &["base", "cache", "openssl", "shared"]),
    ("capi", &["base", "cache", "openssl", "shared", "shim"]),
    ("fuzz", &["base", "cache", "openssl", "shared", "shim"]),
    ("load", &["shim"]),
    ("tools", &["base", "cache", "shared"]),
    // A crate of its own, which sees `tools` alone.
    ("bin", &[]),
];

/// Of other rooms: the mapping of the region, and the name of the command's entry.
const UNSAFE_FILES: [&str; 2] = ["src/shared/mapping.rs", "src/bin/sesscache/main.rs"];

/// Where raw pointers may be touched.
const UNSAFE_ROOMS: [&str; 3] = ["capi", "load", "openssl"];

struct Source {
    path: PathBuf,
    room: String,
    tokens: TokenStream,
}

fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&top, &top, &mut found);
    assert!(found.len() > 10, "only {} source files found under {}", found.len(), top.display());
    found
}

fn collect(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(top, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(top).expect("below src");
            let room = below.components().next().expect("a room").as_os_str();
            let room = room.to_string_lossy().trim_end_matches(".rs").to_owned();
            let tokens = fs::read_to_string(&path).expect("a source file").parse();
            let tokens = tokens.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push(Source { path, room, tokens });
        }
    }
}

/// What is asked of every token: what came before it, and itself.
fn walk(tokens: TokenStream, seen: &mut dyn FnMut(&[TokenTree])) {
    let mut before = Vec::new();
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            walk(group.stream(), seen);
        }
        before.push(token);
        seen(&before);
    }
}

/// The names that `crate::name` or `crate::{name, name::…}` refers to.
fn rooms_entered(tokens: TokenStream) -> Vec<String> {
    let mut entered = Vec::new();
    walk(tokens, &mut |seen| {
        let [.., word, colon, second, last] = seen else { return };
        if word.to_string() != "crate" || colon.to_string() != ":" || second.to_string() != ":" {
            return;
        }
        match last {
            TokenTree::Group(group) => entered.extend(heads(group.stream())),
            name => entered.push(name.to_string()),
        }
    });
    entered
}

/// The first word of each entry of a braced import.
fn heads(list: TokenStream) -> Vec<String> {
    let mut heads = Vec::new();
    let mut at_head = true;
    for token in list {
        if at_head {
            heads.push(token.to_string());
        }
        at_head = token.to_string() == ",";
    }
    heads
}

#[test]
fn imports_go_downward_only() {
    let mut imports = 0;
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|source| source.room != "lib") {
        let (_, below) = ROOMS
            .iter()
            .find(|(name, _)| *name == source.room)
            .unwrap_or_else(|| panic!("{} is in no known room", source.path.display()));
        for room in rooms_entered(source.tokens) {
            imports += 1;
            // A name that is no room is an item of the crate's root.
            let known = ROOMS.iter().any(|(name, _)| *name == room);
            if known && room != source.room && !below.contains(&room.as_str()) {
                wrong.push(format!("{} looks into crate::{room}", source.path.display()));
            }
        }
    }
    assert!(imports > 0, "no import of the crate's own was found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stays_at_the_boundary() {
    let mut uses = 0;
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = UNSAFE_ROOMS.contains(&source.room.as_str())
            || UNSAFE_FILES.iter().any(|file| source.path.ends_with(file));
        walk(source.tokens, &mut |seen| {
            if seen.last().is_some_and(|token| token.to_string() == "unsafe") {
                uses += 1;
                if !allowed {
                    wrong.push(source.path.display().to_string());
                }
            }
        });
    }
    assert!(uses > 0, "no unsafe was found anywhere: is the source being read?");
    assert!(wrong.is_empty(), "unsafe in {}", wrong.join(", "));
}

/// The checks above see what they are meant to see.
#[test]
fn a_wrong_import_would_be_found() {
    let text = "use crate::{base::clock, shim}; fn f() { crate::capi::x() } // crate::cache\n";
    assert_eq!(rooms_entered(text.parse().expect("Rust")), ["base", "shim", "capi"]);
}
