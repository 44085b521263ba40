//! Completions and man pages, out of the command line's own words.

use std::fs;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::arguments::{self, Arguments, Completions};
use crate::{Exit, c_api, print};

pub(crate) fn completions(arguments: &Completions) -> Result<Exit, String> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "sesscache", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// One page for the command and one for each of its subcommands, as `git` has them; and those of the library's functions.
pub(crate) fn man(arguments: &arguments::Man) -> Result<Exit, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", arguments.folder.display());
    if arguments.c_api {
        return print(&c_api::page());
    }
    let (commands, functions) = (arguments.folder.join("man8"), arguments.folder.join("man3"));
    fs::create_dir_all(&commands).map_err(fail)?;
    fs::create_dir_all(&functions).map_err(fail)?;
    for (name, text) in c_api::man_pages() {
        fs::write(functions.join(name), text).map_err(fail)?;
    }
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    for page in pages(&command, "sesscache") {
        let name = page.get_name().to_owned();
        let mut text = Vec::new();
        Man::new(page).section("8").manual("sesscache").render(&mut text).map_err(fail)?;
        fs::write(commands.join(format!("{name}.8")), text).map_err(fail)?;
    }
    Ok(Exit::Good)
}

fn pages(command: &Command, name: &str) -> Vec<Command> {
    let page = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let below = below.flat_map(|below| pages(below, &format!("{name}-{}", below.get_name())));
    std::iter::once(page).chain(below).collect()
}
