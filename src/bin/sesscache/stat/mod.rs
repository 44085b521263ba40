//! `sesscache stat`: what a region holds, and what was done with it.

mod programs;
mod text;
mod view;

use std::io::IsTerminal;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sesscache::tools::{Look, Report, Which};

use crate::arguments::{Format, Stat};
use crate::{Exit, place, print, write};

pub(crate) use view::{Seen, advice, remark_mend, remark_of, worth_telling};

/// A region that was looked at.
pub(crate) struct Looked {
    pub(crate) name: String,
    pub(crate) report: Report,
}

pub(crate) fn stat(arguments: &Stat) -> Result<Exit, String> {
    let Some(interval) = arguments.watch else {
        return print(&shown(arguments.format, &look(arguments)?, None));
    };
    let mut before: Option<Vec<Looked>> = None;
    loop {
        let looked = look(arguments)?;
        let since = before.as_deref().map(|before| Since { before, seconds: interval });
        let text = shown(arguments.format, &looked, since.as_ref());
        let drawn = arguments.format == Format::Text && std::io::stdout().is_terminal();
        // From the top left corner, and nothing below what is drawn now.
        if !write(&if drawn { format!("\x1b[H\x1b[2J{text}") } else { text })? {
            return Ok(Exit::Good);
        }
        before = Some(looked);
        sleep(Duration::from_secs(interval.unsigned_abs()));
    }
}

/// What was there some seconds ago.
struct Since<'a> {
    before: &'a [Looked],
    seconds: i64,
}

impl Since<'_> {
    fn of(&self, name: &str) -> Option<(&Report, i64)> {
        let looked = self.before.iter().find(|looked| looked.name == name)?;
        Some((&looked.report, self.seconds))
    }
}

fn look(arguments: &Stat) -> Result<Vec<Looked>, String> {
    let named = arguments.place.named();
    let is_named = named.is_some();
    let places =
        named.map_or_else(|| place::all().into_iter().map(Which::File).collect(), |which| vec![which]);
    let mut looked = Vec::new();
    let mut failed = Vec::new();
    for which in places {
        let name = match &which {
            Which::File(path) => path.display().to_string(),
            Which::OfProcess(pid) => format!("the region of process {pid}"),
        };
        match Look::at(&which) {
            Ok(look) => looked.push(Looked { name, report: look.report(now()) }),
            Err(error) if is_named => return Err(error),
            // One that cannot be read must not hide the others.
            Err(error) => failed.push(error),
        }
    }
    if !looked.is_empty() {
        failed.drain(..).for_each(|error| eprintln!("sesscache: {error}"));
    }
    if looked.is_empty() {
        return Err(failed.pop().unwrap_or_else(place::none));
    }
    Ok(looked)
}

fn shown(format: Format, looked: &[Looked], since: Option<&Since<'_>>) -> String {
    match format {
        Format::Text => {
            let each =
                looked.iter().map(|one| text::draw(one, since.and_then(|since| since.of(&one.name)), now()));
            each.collect::<Vec<_>>().join("\n")
        }
        Format::Json => programs::json(looked),
        Format::Openmetrics => programs::openmetrics(looked),
    }
}

pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
