//! What the compiler says about a file, with OpenSSL's header alone and with ours beside it.

use std::path::Path;
use std::time::Duration;

use super::libssl::Libssl;
use super::{cc, diff, process};

/// The warnings and errors must be the same; the notes below them name the header, which may be either.
pub fn same_with_our_header(source: &Path, libssl: &Libssl) -> Result<(), String> {
    let alone = said(source, libssl, false)?;
    let together = said(source, libssl, true)?;
    let is_correct = source.file_stem().is_some_and(|name| name == "correct");
    if alone.is_empty() != is_correct {
        return Err(format!(
            "not what the file is for: with OpenSSL's header the compiler says\n{}",
            alone.join("\n")
        ));
    }
    if alone == together {
        return Ok(());
    }
    Err(format!("- OpenSSL's header, + ours too\n{}", diff::lines(&alone.join("\n"), &together.join("\n"))))
}

fn said(source: &Path, libssl: &Libssl, ours: bool) -> Result<Vec<String>, String> {
    let mut command = cc::compiler(source, libssl);
    command.args(["-Wno-error", "-fsyntax-only"]).env("LC_ALL", "C");
    if ours {
        command.arg("-DWITH_SESSCACHE");
    }
    let outcome = process::run(command.arg(source), Duration::from_secs(60))?;
    let is_verdict = |line: &&str| line.contains(" warning: ") || line.contains(" error: ");
    Ok(outcome.stderr.lines().filter(is_verdict).map(with_typedefs).collect())
}

/// OpenSSL's own prototypes write `struct ssl_st` in places, ours `SSL`: two spellings of one type.
fn with_typedefs(line: &str) -> String {
    [("ssl_session_st", "SSL_SESSION"), ("ssl_ctx_st", "SSL_CTX"), ("ssl_st", "SSL"), ("struct ", "")]
        .iter()
        .fold(line.to_owned(), |line, (tag, name)| line.replace(tag, name))
}
