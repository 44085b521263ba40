//! Help, man pages, completions.

use std::fs;
use std::process::Command;

use super::{Folder, command, good, say};

const SUBCOMMANDS: [&[&str]; 8] = [
    &["run"],
    &["stat"],
    &["flush"],
    &["keys", "new"],
    &["keys", "add"],
    &["keys", "rotate"],
    &["keys", "check"],
    &["doctor"],
];

#[test]
fn every_command_shows_an_example() {
    for subcommand in SUBCOMMANDS {
        let help = good(&[subcommand, &["--help"]].concat());
        assert!(
            help.contains("Example") && help.contains(&format!("sesscache {}", subcommand.join(" "))),
            "{help}"
        );
    }
    assert!(good(&["--help"]).contains("Start with: sesscache run"));
    assert_eq!(good(&["--version"]), format!("sesscache {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_command_line_that_makes_no_sense_is_told_how_it_should_be() {
    for arguments in [
        &["stop"][..],
        &["run"],
        &["run", "nginx"],
        &["stat", "--pid", "x"],
        &["stat", "--watch=soon"],
        &["doctor"],
    ] {
        let said = say(&mut command(arguments));
        assert_eq!(said.code, 2, "{arguments:?}");
        assert!(said.err.contains("--help") || said.err.contains("Usage"), "{}", said.err);
    }
}

#[test]
fn there_is_a_man_page_for_each() {
    let folder = Folder::new();
    good(&["man", &folder.path("man")]);
    for subcommand in SUBCOMMANDS.iter().chain(&[&[][..], &["keys"]]) {
        let name = ["sesscache"].iter().chain(subcommand.iter()).copied().collect::<Vec<_>>().join("-");
        let page = fs::read_to_string(folder.path(&format!("man/man8/{name}.8"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".TH"), "{name}");
    }
    assert!(!fs::exists(folder.path("man/man8/sesscache-man.8")).unwrap(), "a hidden one has none");
}

#[test]
fn there_is_a_man_page_for_each_function() {
    let folder = Folder::new();
    good(&["man", &folder.path("man")]);
    for name in ["version", "active", "ctx_stats", "shared_stats", "ctx_set_flags"] {
        let page = fs::read_to_string(folder.path(&format!("man/man3/sesscache_{name}.3"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(&format!("sesscache_{name}(")), "{page}");
    }
    assert!(
        fs::read_to_string(folder.path("man/man3/sesscache_shared_stats.3")).unwrap().contains("key_gone")
    );
}

#[test]
fn the_page_of_the_c_interface_is_what_the_header_says() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/c-api.md")).unwrap();
    assert!(page == good(&["man", "--c-api"]), "docs/c-api.md is not what the header says: run make header");
}

#[test]
fn shells_accept_their_completions() {
    let folder = Folder::new();
    let script = folder.write("completions", &good(&["completions", "bash"]), 0o600);
    let said = say(Command::new("bash").args(["-n", &script]));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for shell in ["zsh", "fish"] {
        assert!(good(&["completions", shell]).contains("openmetrics"));
    }
}

#[test]
fn who_does_not_read_to_the_end_does_no_harm() {
    let pipeline =
        format!("{} completions bash | head -n 1; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_sesscache"));
    let said = say(Command::new("bash").args(["-c", &pipeline]));
    assert_eq!(said.err, "");
    let status = said.out.lines().last().unwrap();
    // By SIGPIPE, as any program, or because it had said all before.
    assert!(status == "141" || status == "0", "{status}");
}
