//! Playing programs twice, and telling of differences.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::common::libssl::Libssl;
use crate::common::{cc, diff, root};
use crate::coverage::Coverage;
use crate::generator::Generator;
use crate::player::{self, Getters, Player};
use crate::program::Program;
use crate::settings::Settings;
use crate::shrink::shrink;

/// libssl alone, and with the library in front of it.
struct Both {
    stock: Player,
    ours: Player,
}

/// How often libssl alone is asked whether it gives the library's trace, too.
const CHANCES: usize = 100;

struct Traces {
    stock: String,
    ours: String,
}

/// Whose player did not give a trace.
enum Failure {
    Stock(String),
    Ours(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Stock(error) => write!(f, "libssl alone: {error}"),
            Failure::Ours(error) => write!(f, "with the library: {error}"),
        }
    }
}

impl Both {
    fn start(libssl: &Libssl, preload: Option<&Path>, getters: Getters) -> Result<Both, String> {
        Ok(Both {
            stock: Player::start(libssl, None, getters)?,
            ours: Player::start(libssl, preload, getters)?,
        })
    }

    /// The two play at the same time. What libssl alone gives as well, if it is asked often enough, is no difference: 3.5 refuses early data
    /// now and then by chance.
    fn play(&mut self, program: &Program) -> Result<Traces, Failure> {
        let mut traces = self.play_once(program)?;
        for _ in 0..CHANCES {
            if !traces.differ() {
                break;
            }
            self.stock.begin(&program.to_string()).map_err(Failure::Stock)?;
            let stock = self.stock.trace().map_err(Failure::Stock)?;
            if stock == traces.ours {
                traces.stock = stock;
            }
        }
        Ok(traces)
    }

    fn play_once(&mut self, program: &Program) -> Result<Traces, Failure> {
        let text = program.to_string();
        self.stock.begin(&text).map_err(Failure::Stock)?;
        let begun = self.ours.begin(&text);
        // Stock's first: where it fails as well, nothing can be said of the other one.
        let stock = self.stock.trace().map_err(Failure::Stock)?;
        let ours = begun.and_then(|()| self.ours.trace()).map_err(Failure::Ours)?;
        Ok(Traces { stock, ours })
    }
}

impl Traces {
    fn differ(&self) -> bool {
        self.stock != self.ours
    }

    /// A program must not be one that libssl alone cannot play.
    fn complaint(&self) -> Option<&str> {
        self.stock.lines().find(|line| line.starts_with('!') || line.contains(".c:"))
    }
}

/// Random programs; the first that makes a difference is shrunk and told.
pub(crate) fn programs(libssl: &Libssl, settings: &Settings) -> Result<(), String> {
    let mut both = Both::start(libssl, settings.preload.as_deref(), Getters::Watched)?;
    let generator = Generator::new(settings.seed);
    let mut coverage = Coverage::default();
    for number in settings.first..settings.first + settings.programs {
        let program = generator.program(number)?;
        let traces = both.play(&program).map_err(|error| format!("program {number}: {error}\n{program}"))?;
        if let Some(complaint) = traces.complaint() {
            let small = shrink(program, |candidate| {
                both.play(candidate).is_ok_and(|traces| traces.complaint().is_some())
            });
            return Err(format!("libssl alone cannot play program {number}: {complaint}\n{small}"));
        }
        if traces.differ() {
            let small = shrink(program, |candidate| {
                both.play(candidate).is_ok_and(|traces| traces.differ() && traces.complaint().is_none())
            });
            let traces = both.play(&small).map_err(|error| format!("program {number}: {error}\n{small}"))?;
            return Err(report(libssl, settings, number, &small, &traces));
        }
        coverage.add(&traces.stock);
    }
    let missing = coverage.missing(settings.programs, &libssl.name);
    coverage.publish();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("no program reached: {}", missing.join(", ")))
}

fn report(libssl: &Libssl, settings: &Settings, number: u64, program: &Program, traces: &Traces) -> String {
    let difference = diff::lines(&traces.stock, &traces.ours);
    let file = player::folder().join(format!("{}-{}-{number}.txt", libssl.name, settings.seed));
    let saved = match fs::write(&file, format!("# {}\n{program}", libssl.name)) {
        Ok(()) => format!(
            "SESSCACHE_DIFF_REPLAY={} SESSCACHE_DIFF_LIBSSL={} make check-differential",
            file.display(),
            libssl.name
        ),
        Err(error) => format!("cannot write {}: {error}", file.display()),
    };
    format!(
        "the traces differ (- libssl alone, + with the library)\n{difference}\nprogram {number} of \
         SESSCACHE_DIFF_SEED={}, shrunk:\n{program}\nreplay it:\n{saved}",
        settings.seed
    )
}

/// The programs that once made a difference, or the one to replay.
pub(crate) fn regressions(libssl: &Libssl, settings: &Settings) -> Result<(), String> {
    let mut both = Both::start(libssl, settings.preload.as_deref(), Getters::Watched)?;
    let files = match &settings.replay {
        Some(file) => vec![file.clone()],
        None => cc::files(&root().join("tests/differential/regressions"))?,
    };
    for file in files {
        let text =
            fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        compare(&mut both, &file, &Program::parse(&text), settings)?;
    }
    Ok(())
}

/// So many programs must be enough to notice a mutant (none needs a hundred), and do not notice the library itself.
const FOR_A_MUTANT: u64 = 300;
/// Always the same programs: whether a mutant is noticed must not be a matter of luck.
const MUTANTS_SEED: u64 = 1;

/// A library that gets one thing wrong on purpose must be noticed, or this test could not fail.
pub(crate) fn mutant_is_noticed(source: &Path, libssl: &Libssl) -> Result<(), String> {
    // Many put a function of theirs in front of the application's. Only of this one that is the whole fault.
    let getters = if source.ends_with("trampoline_shows.c") { Getters::Watched } else { Getters::Ignored };
    match noticing(libssl, Some(&cc::preloadable(source, libssl)?), getters)? {
        Some((number, _)) => {
            println!("differential: {} noticed by program {number}", source.display());
            Ok(())
        }
        None => Err(format!("{FOR_A_MUTANT} programs do not notice {}", source.display())),
    }
}

/// The control: what notices the mutants must not notice the library in their place.
pub(crate) fn library_is_not_noticed(libssl: &Libssl, settings: &Settings) -> Result<(), String> {
    for getters in [Getters::Watched, Getters::Ignored] {
        if let Some((number, how)) = noticing(libssl, settings.preload.as_deref(), getters)? {
            return Err(format!("program {number} takes the library for a mutant\n{how}"));
        }
    }
    Ok(())
}

/// The first program that comes out otherwise with what is preloaded, and how. A crash and a hang count, but on that side
/// only: a program that libssl alone cannot play has noticed nothing.
fn noticing(
    libssl: &Libssl,
    preload: Option<&Path>,
    getters: Getters,
) -> Result<Option<(u64, String)>, String> {
    let mut both = Both::start(libssl, preload, getters)?;
    let generator = Generator::new(MUTANTS_SEED);
    for number in 0..FOR_A_MUTANT {
        let program = generator.program(number)?;
        match both.play(&program) {
            Ok(traces) => {
                if let Some(complaint) = traces.complaint() {
                    return Err(format!("libssl alone cannot play program {number}: {complaint}\n{program}"));
                }
                if traces.differ() {
                    return Ok(Some((number, diff::lines(&traces.stock, &traces.ours))));
                }
            }
            Err(failure @ Failure::Stock(_)) => {
                return Err(format!("program {number}: {failure}\n{program}"));
            }
            Err(failure @ Failure::Ours(_)) => return Ok(Some((number, failure.to_string()))),
        }
    }
    Ok(None)
}

fn compare(both: &mut Both, file: &Path, program: &Program, settings: &Settings) -> Result<(), String> {
    let traces = both.play(program).map_err(|error| format!("{}: {error}", file.display()))?;
    if settings.show {
        println!("{}", traces.stock);
    }
    if let Some(complaint) = traces.complaint() {
        return Err(format!("libssl alone cannot play {}: {complaint}", file.display()));
    }
    if traces.differ() {
        let difference = diff::lines(&traces.stock, &traces.ours);
        return Err(format!(
            "{}: the traces differ (- libssl alone, + with the library)\n{difference}",
            file.display()
        ));
    }
    Ok(())
}
