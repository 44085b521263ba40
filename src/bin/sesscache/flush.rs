//! `sesscache flush`: ends sessions.

use sesscache::tools::{self, Which};

use crate::arguments::Flush;
use crate::{Exit, place, print};

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
    print(&format!("ended {what} of {}\n", describe(&which)))
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

fn describe(which: &Which) -> String {
    match which {
        Which::File(path) => path.display().to_string(),
        Which::OfProcess(pid) => format!("the region of process {pid}"),
    }
}
