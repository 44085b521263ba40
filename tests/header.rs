//! `include/sesscache.h` is what the source says, and compiles beside every OpenSSL's headers.
//!
//! `make header` runs the first test with SESSCACHE_WRITE_HEADER set, which writes the header instead of
//! comparing it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod support;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use common::libssl::Libssl;
use common::{diff, libssl, root};
use support::{Scratch, run};

/// Types that `<openssl/ssl.h>` and `<time.h>` declare, under their names in Rust.
const DECLARED_ELSEWHERE: [&str; 8] =
    ["SSL", "SSL_CTX", "SSL_METHOD", "SSL_SESSION", "X509_STORE_CTX", "OsslLibCtx", "SessionTable", "time_t"];

fn committed() -> PathBuf {
    root().join("include/sesscache.h")
}

#[test]
fn is_what_the_source_says() {
    let scratch = Scratch::new("header-source");
    let made = generate(&prepare(scratch.path()));
    let complaints = complaints();
    assert!(complaints.is_empty(), "cbindgen passed over something:\n{}", complaints.join("\n"));
    if std::env::var_os("SESSCACHE_WRITE_HEADER").is_some() {
        fs::create_dir_all(root().join("include")).expect("include/");
        fs::write(committed(), made).expect("include/sesscache.h");
        return;
    }
    let there = fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        there == made,
        "include/sesscache.h is not what the source says; run `make header`\n{}",
        diff::lines(&there, &made)
    );
}

/// Function pointers have names in the source, and cbindgen cannot see through `Option<Name>`. OpenSSL's
/// prototypes spell them out, so cbindgen reads a copy of `src/capi` that does too. Also left out there: what
/// a Rust caller of these functions would have to promise.
fn prepare(scratch: &Path) -> PathBuf {
    let types = fs::read_to_string(root().join("src/openssl/types.rs")).expect("types.rs");
    let names = function_pointers(&types);
    assert!(!names.is_empty(), "no function pointer type was found in src/openssl/types.rs");
    copy(&root().join("src/capi"), &scratch.join("capi"), &|text| {
        let mut text = without_safety_sections(text);
        for (name, definition) in &names {
            text = text.replace(&format!("Option<{name}>"), &format!("Option<{definition}>"));
        }
        text
    });
    scratch.join("capi/mod.rs")
}

/// `type Name = unsafe extern … fn(…);` → its name and what it stands for.
fn function_pointers(source: &str) -> HashMap<&str, &str> {
    source
        .split(" type ")
        .skip(1)
        .filter_map(|rest| rest.split_once(';'))
        .filter_map(|(alias, _)| alias.split_once('='))
        .map(|(name, definition)| (name.trim(), definition.trim()))
        .filter(|(_, definition)| definition.contains("fn("))
        .collect()
}

/// Drops each `# Safety` heading with its text, up to the next heading or the end of the comment.
fn without_safety_sections(source: &str) -> String {
    let mut inside = false;
    let mut kept: Vec<&str> = Vec::new();
    for line in source.lines() {
        match line.trim_start().strip_prefix("///") {
            Some(text) if text.trim_start().starts_with('#') => inside = text.trim() == "# Safety",
            Some(_) => {}
            None => inside = false,
        }
        if inside {
            continue;
        }
        // The empty line that set the section off.
        if !line.trim_start().starts_with("///") {
            while kept.last().is_some_and(|last| last.trim() == "///") {
                kept.pop();
            }
        }
        kept.push(line);
    }
    kept.join("\n")
}

fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).expect("a scratch folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())).flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, change);
        } else {
            let text = fs::read_to_string(entry.path()).expect("a source file");
            fs::write(target, change(&text)).expect("a copy");
        }
    }
}

fn generate(source: &Path) -> String {
    log::set_logger(&COMPLAINTS).expect("the only logger");
    log::set_max_level(log::LevelFilter::Warn);
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new()
        .with_src(source)
        .with_config(config)
        .generate()
        .unwrap_or_else(|error| panic!("cbindgen: {error}"));
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

/// cbindgen only warns of what it cannot put into a header.
struct Complaints(Mutex<Vec<String>>);

static COMPLAINTS: Complaints = Complaints(Mutex::new(Vec::new()));

impl log::Log for Complaints {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        self.0.lock().expect("no test panics here").push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn complaints() -> Vec<String> {
    let all = COMPLAINTS.0.lock().expect("no test panics here");
    let expected =
        |line: &str| DECLARED_ELSEWHERE.iter().any(|name| line.starts_with(&format!("Can't find {name}. ")));
    all.iter().filter(|line| !expected(line)).cloned().collect()
}

/// Every exported function is declared, and every declared one is exported.
#[test]
fn declares_the_exported_functions() {
    let header = fs::read_to_string(committed()).expect("include/sesscache.h");
    let exports = fs::read_to_string(root().join("exports.txt")).expect("exports.txt");
    // One has types that differ between versions: only <openssl/crypto.h> declares it.
    let exports: Vec<&str> = exports.lines().filter(|name| *name != "CRYPTO_get_ex_new_index").collect();
    let code: Vec<&str> =
        header.lines().filter(|line| !line.trim_start().starts_with(['*', '/', '#'])).collect();
    let words = |line: &str| -> Vec<String> {
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '(')
            .flat_map(|piece| piece.split_inclusive('('))
            .filter_map(|piece| piece.strip_suffix('('))
            .map(str::to_owned)
            .collect()
    };
    let ours = |name: &String| {
        ["SSL_", "CRYPTO_", "OPENSSL_", "sesscache_"].iter().any(|prefix| name.starts_with(prefix))
    };
    let mut declared: Vec<String> = code.iter().flat_map(|line| words(line)).filter(ours).collect();
    declared.sort();
    assert_eq!(declared, exports);
}

/// In C and C++ with the headers of every OpenSSL there is; beside the system's in every order.
#[test]
fn compiles_beside_openssl() {
    let scratch = Scratch::new("header-compile");
    let (ssl, ours) = ("#include <openssl/ssl.h>\n", "#include <sesscache.h>\n");
    for libssl in libssl::all() {
        compile(&scratch, &libssl, &format!("{ssl}{ours}"));
        if libssl.prefix.is_none() {
            compile(&scratch, &libssl, &format!("{ours}{ssl}"));
            compile(&scratch, &libssl, &format!("{ours}{ours}"));
        }
    }
}

fn compile(scratch: &Scratch, libssl: &Libssl, includes: &str) {
    let body = "int main(void) { return sesscache_version() == 0; }\n";
    let source = scratch.write("program.c", &format!("{includes}{body}"));
    for (compiler, language) in [("cc", "c"), ("c++", "c++")] {
        let mut command = Command::new(compiler);
        command.args(["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", language]);
        command.arg("-I").arg(root().join("include"));
        command.args(libssl.include().map(|path| format!("-I{}", path.display())));
        run(command.arg(&source));
    }
}
