//! `sesscache flush`: ends sessions.

use sesscache::tools::{self, Remark, Which};

use crate::arguments::Flush;
use crate::{Exit, place, print, stat};

pub(crate) fn flush(arguments: &Flush) -> Result<Exit, String> {
    let which = match arguments.place.named() {
        Some(which) => which,
        None => only_one()?,
    };
    tools::flush(&which, arguments.scope.as_deref())?;
    let what = match &arguments.scope {
        Some(scope) => format!("the sessions of the scope {scope:?}"),
        None => "all sessions".to_owned(),
    };
    let mut said = format!("ended {what} of {}\n", describe(&which));
    if gives_tickets(&which) {
        said += "its servers have also given out tickets that hold the session themselves; those are good until the server is restarted\n";
    }
    print(&said)
}

/// What is ended cannot be had back, so nothing is guessed.
fn only_one() -> Result<Which, String> {
    let mut regions = place::all();
    match (regions.pop(), regions.is_empty()) {
        (None, _) => Err(place::none()),
        (Some(region), true) => Ok(Which::File(region)),
        (Some(_), false) => {
            Err("there is more than one region: name the file of the one that is meant".to_owned())
        }
    }
}

/// Whether clients of a region may resume without anybody's cache.
fn gives_tickets(which: &Which) -> bool {
    let processes = tools::Look::at(which).map(|look| look.report(stat::now()).processes).unwrap_or_default();
    processes.iter().any(|process| process.remarks.contains(&Remark::Stateless))
}

fn describe(which: &Which) -> String {
    match which {
        Which::File(path) => path.display().to_string(),
        Which::OfProcess(pid) => format!("the region of process {pid}"),
    }
}
